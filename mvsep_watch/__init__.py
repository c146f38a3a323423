"""mvsep-watch: drop an audio file into a folder; its stems come back, and nothing is paid for twice."""

from importlib.metadata import version

__version__ = version("mvsep-watch")
