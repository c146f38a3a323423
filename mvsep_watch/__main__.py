"""Lets `python -m mvsep_watch` do what `mvsep-watch` does."""

import sys

from mvsep_watch.cli import main

sys.exit(main())
