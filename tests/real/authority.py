"""A certificate authority of a few lines: one CA for a run of the tests, and what it signs, by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

SETTINGS = """
[ca]
default_ca = own
[own]
dir = .
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
LONG_AGO, BEFORE, LATER, FAR = "20000101000000Z", "20010101000000Z", "20900101000000Z", "20990101000000Z"


class Authority:
    """A CA in a folder, which names it in the way of `SSL_CERT_DIR`; `trusted` is the file that does."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self.folder = folder
        self.trusted = folder / "ca.pem"
        (folder / "ca.conf").write_text(SETTINGS)
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        self._openssl(
            "req", "-x509", *KEY, "-days", "9999", "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem"
        )
        (folder / f"{self._openssl('x509', '-hash', '-noout', '-in', 'ca.pem')}.0").symlink_to("ca.pem")

    def context(
        self, name: str = "localhost", *, begins: str = LONG_AGO, ends: str = FAR, version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """Give what a server of this name needs; that of `localhost` is good for this machine's addresses too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        self.renew(context, name, begins=begins, ends=ends)
        return context

    def renew(
        self, context: ssl.SSLContext, name: str = "localhost", *, begins: str = LONG_AGO, ends: str = FAR
    ) -> None:
        """Give a server another certificate, for whoever comes from here on."""
        stem = f"{name}-{begins}-{ends}"
        if not (self.folder / f"{stem}.pem").exists():
            names = "DNS:localhost,IP:127.0.0.1,IP:::1" if name == "localhost" else f"DNS:{name}"
            subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
            self._openssl("req", *KEY, *subject, "-keyout", f"{stem}.key", "-out", f"{stem}.csr")
            signing = ("ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-batch", "-notext")
            self._openssl(*signing, "-startdate", begins, "-enddate", ends, "-in", f"{stem}.csr", "-out", f"{stem}.pem")
        context.load_cert_chain(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")

    def _openssl(self, *words: str) -> str:
        done = subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()
