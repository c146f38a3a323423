"""The commands: what a person or a script types, and what they are told. Decides exit codes and words, nothing else.

`main` has the group and turns every error into words and an exit code; `context` is what all commands share;
`rendering` is how things look. One module per group of commands, imported only when one of its commands is used.
"""

from mvsep_watch.cli.main import main

__all__ = ["main"]
