"""Where requests may go: what a base URL and a download's address must look like. Decides, and touches nothing.

The token goes to the base URL's realm only, and plain http to this machine only.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from mvsep_watch.errors import ConfigError, RequestRefusedError
from mvsep_watch.model import is_loopback

_DEFAULT_PORTS = {"http": 80, "https": 443}


def checked_base_url(base_url: str) -> str:
    """Check a base URL and give it without a slash at its end.

    Raises:
        ConfigError: It is no http(s) address, plain http to another machine, or carries more than host and path.
    """
    parts = _split(base_url)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConfigError(f"the base URL {base_url!r} is no address", hint="write it like https://mvsep.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"the base URL of {parts.hostname} carries more than host and path", hint="write it like https://mvsep.com"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(
            f"the base URL http://{parts.hostname} would send the token in the open",
            hint="use https; plain http is only for a sandbox on this machine",
        )
    return base_url.rstrip("/")


def host_of(url: str) -> str:
    """Give the host in lower case, with its port where that is not the usual one; empty where there is none."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return host if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def check_download(url: str, *, loopback_ok: bool) -> None:
    """Check the address of a result, also of a redirect to it.

    Args:
        url: As the service, or a redirect, gave it.
        loopback_ok: Whether this machine may be asked: only where the service itself is here.

    Raises:
        RequestRefusedError: It is not http(s), plain http to another machine, or this machine without being allowed.
    """
    parts = _split(url)
    host = (parts.hostname or "") if parts else ""
    if parts is None or not host or parts.scheme not in _DEFAULT_PORTS:
        raise RequestRefusedError("the service gave a result's address that is not http or https")
    if is_loopback(host) and not loopback_ok:
        raise RequestRefusedError("the service gave a result's address on this machine; it is not asked for")
    if parts.scheme == "http" and not is_loopback(host):
        raise RequestRefusedError(f"the service gave a result's address on {host} without encryption")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a wrong port shows only when it is asked for
    except ValueError:
        return None
    return parts
