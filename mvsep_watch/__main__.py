"""The program: `mvsep-watch`, or `python -m mvsep_watch`. Hears signals before it imports anything that takes time."""

import sys

from mvsep_watch.daemon import signals


def main() -> int:
    """Run the command that the command line names; give its exit code."""
    words = sys.argv[1:]
    signals.hear(words)
    from mvsep_watch import cli  # noqa: PLC0415 - what takes time comes after signals are heard
    from mvsep_watch.cli.context import Exit  # noqa: PLC0415 - as above

    try:
        signals.hear_as_python(words)
        code: int = cli.main(words)
    except KeyboardInterrupt:  # just before the command hears it, or just after
        code = Exit.INTERRUPTED
    signals.end(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
