"""mvsep-watch: drop an audio file into a folder; its stems come back, and nothing is paid for twice."""

__version__: str


def __getattr__(name: str) -> str:
    """Give the version; looking it up takes a while, and few need it."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - as above

    return version("mvsep-watch")
