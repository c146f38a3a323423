"""Who is told what, as it is in force: addresses with their variables in, times as minutes.

The addresses are secrets: whoever knows one can speak as this machine, or keep an alarm from being raised. A file with
one of them in plain words must be readable by its owner alone, and no problem says a character of one.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from mvsep_watch.config import credentials
from mvsep_watch.config.expand import Expander, is_only_variables
from mvsep_watch.config.fields import address_of, minute_of
from mvsep_watch.config.models import MetricsSection, NotifySection, PingSection
from mvsep_watch.config.problems import Keys, Report
from mvsep_watch.model import Destination, Metrics, Notify, Ping, Subject, is_loopback

LIBRARY = "apprise"
INSTALL = "pip install 'mvsep-watch[notify]'"


class Telling:
    """Builds the sections of one file.

    Args:
        mode: The permissions of the configuration file.
        expander: For variables and paths.
        report: Takes the problems.
        is_needed: Whether an address that cannot be had just here is a problem at all.
    """

    def __init__(self, *, mode: int, expander: Expander, report: Report, is_needed: bool) -> None:
        self._is_needed = is_needed
        self._mode = mode
        self._expander = expander
        self._report = report

    def notify(self, section: NotifySection | None) -> Notify | None:
        """Give where notices go; None where nobody is named."""
        section = section or NotifySection()
        urls = [self._url(written, index) for index, written in enumerate(section.urls)]
        if section.urls and find_spec(LIBRARY) is None:
            self._report.add(("notify", "urls"), f"they need Apprise, which is not installed; run: {INSTALL}")
        told = [Destination(name=f"urls[{index}]", url=url) for index, url in enumerate(urls)]
        if section.command is not None:
            told.append(Destination(name="command", command=tuple(self._words(section.command))))
        if not told:
            return None
        return Notify(
            destinations=tuple(told),
            about=frozenset(map(Subject, section.about)),
            summary_minute=minute_of(section.summary),
        )

    def _url(self, written: str, index: int) -> str:
        keys: Keys = ("notify", "urls", index)
        url = self._secret(written, keys)
        if url and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S", url):
            self._report.add(keys, "it is no address; allowed: what Apprise understands, such as ntfys://host/topic")
        return url

    def _secret(self, written: str, keys: Keys) -> str:
        """Put variables in; a file that holds the rest in plain words must be private."""
        try:
            if not is_only_variables(written):
                credentials.require_private(self._report.path, self._mode, what="the address")
            return self._expander.text(written)
        except ValueError as error:
            if self._is_needed:
                self._report.add(keys, str(error))
            return ""

    def _words(self, written: list[str]) -> list[str]:
        keys: Keys = ("notify", "command")
        try:
            program = self._expander.path(written[0]) if written[0].startswith(("~", "/")) else written[0]
            return [str(program), *map(self._expander.text, written[1:])]
        except ValueError as error:
            self._report.add(keys, str(error))
            return written

    def ping(self, section: PingSection | None, *, rescan_s: float) -> Ping | None:
        """Give what is asked while all is well; None where nothing is."""
        section = section or PingSection()
        given = [name for name in ("success", "start", "fail") if getattr(section, name) is not None]
        if section.url is not None and given:
            self._report.add(("ping", given[0]), "both url and addresses of their own are given; keep one of the two")
        if section.url is None and given and "success" not in given:
            self._report.add(("ping", given[0]), "without success it would never say that all is well")
        urls = {name: self._ping_url(section, name) for name in ("success", "start", "fail")}
        if not urls["success"]:
            return None
        return Ping(**urls, interval_s=section.interval or rescan_s)

    def _ping_url(self, section: PingSection, name: str) -> str:
        key = name if section.url is None else "url"
        written = getattr(section, key)
        url = self._secret(written, ("ping", key)) if written else ""
        if url and (trouble := _trouble_with(url)):
            self._report.add(("ping", key), trouble)
            return ""
        return _below(url, name) if key == "url" and name != "success" else url

    def metrics(self, section: MetricsSection | None) -> Metrics | None:
        """Give where the numbers go; None where nowhere."""
        section = section or MetricsSection()
        if section.file is None and section.listen is None:
            return None
        listen = None if section.listen is None else address_of(section.listen)
        try:
            file = None if section.file is None else self._expander.path(section.file)
        except ValueError as error:
            self._report.add(("metrics", "file"), f"the path cannot be used: {error}")
            file = None
        if file is not None and file.suffix != ".prom":
            self._report.add(("metrics", "file"), f"node_exporter reads no {file.name}; end its name in .prom")
        return Metrics(file=file, listen=listen)


def _trouble_with(url: str) -> str:
    """Say why an address cannot be asked; empty where it can."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is no address; allowed: https://HOST/..."
    if parts.scheme not in {"https", "http"} or not parts.hostname or re.search(r"[\s\\]|[^!-~]", url):
        return "it is no address; allowed: https://HOST/..."
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "plain http is for this machine only (127.0.0.1, localhost, ::1): write https"
    return ""


def _below(url: str, name: str) -> str:
    """Give the address below another, whose query stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}")) if url else ""
