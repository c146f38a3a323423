"""What is wrong when no encryption comes about, and what to do: a sentence each. Decides, and touches nothing.

The surprise: most of it is this machine's own clock, its network or its proxy, and not the service.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

_PORTAL = "log in if a captive portal stands in between"
_CLOCK = "look at this machine's clock"
_TRUST = (
    f"{_PORTAL}; where a firewall or proxy reads all traffic, install its CA's certificate on this machine or name"
    " the file in SSL_CERT_FILE, and restart"
)
_STRANGER = f"{_PORTAL}; else check the host and port in mvsep.base_url, and the proxy if there is one"
_UNKNOWN_SIGNER = ("its certificate is signed by nobody whom this machine trusts", _TRUST)
_OTHER_HOST = ("its certificate is for another host", _STRANGER)

_CERTIFICATE = {
    9: ("its certificate is not valid yet", f"{_CLOCK}, which is probably behind: timedatectl"),
    10: ("its certificate has expired", f"{_CLOCK}; if it is right, it goes on by itself once they have renewed it"),
    18: ("its certificate is signed by itself alone", _TRUST),
    19: _UNKNOWN_SIGNER,
    20: _UNKNOWN_SIGNER,
    21: _UNKNOWN_SIGNER,
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By the library's number. Source: OpenSSL, X509_STORE_CTX_get_error, 2026."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE"})


@dataclass(frozen=True, slots=True)
class Unencrypted:
    """Why there is no encryption.

    Args:
        what: A part of a sentence about who was asked.
        hint: What to do about it; empty where nothing particular is to be done.
        is_certificate: Whether it is because of the certificate.
    """

    what: str
    hint: str = ""
    is_certificate: bool = False


def unencrypted(error: BaseException | None) -> Unencrypted | None:
    """Say what was wrong with the encryption, if that is what an error or any of its causes is about."""
    match error:
        case None:
            return None
        case ssl.SSLCertVerificationError():
            what, hint = _CERTIFICATE.get(
                error.verify_code, (f"its certificate is not accepted: {error.verify_message}", f"{_CLOCK}; {_PORTAL}")
            )
            return Unencrypted(what, hint, is_certificate=True)
        case ssl.SSLEOFError():
            return Unencrypted("it was cut off")
        case ssl.SSLError() if error.reason in _NO_TLS:
            return Unencrypted("what answers there does not speak TLS", _STRANGER)
        case ssl.SSLError(reason=str() as reason):
            return Unencrypted(f"the encryption failed: {reason.lower().replace('_', ' ')}", _STRANGER)
    return unencrypted(error.__cause__ or error.__context__)  # the HTTP library disowns some causes
