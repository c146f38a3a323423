"""The doctor's way to the service over real sockets, and the command in a terminal and as somebody else."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mvsep_watch.mvsep.probing import Stage, probe
from mvsep_watch.sandbox import Sandbox


class Portal(BaseHTTPRequestHandler):
    """A captive portal: a page for whatever is asked."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<html>Welcome to our hotel</html>")

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_the_way_to_a_service_that_answers_has_no_end():
    """Its clock is told, too."""
    with Sandbox() as server:
        found = probe(server.base_url, timeout_s=5)

    assert (found.ends_at, found.is_service, found.status) == (None, True, 200)
    assert found.addresses == ("127.0.0.1",)
    assert found.date is not None


def test_a_captive_portal_is_not_the_service():
    """It answers with a page."""
    with serving() as port:
        found = probe(f"http://127.0.0.1:{port}", timeout_s=5)

    assert (found.ends_at, found.is_service, found.content_type) == (None, False, "text/html")


def test_a_port_that_nobody_listens_on_ends_the_way():
    """At the connection."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = probe(f"http://127.0.0.1:{free.getsockname()[1]}", timeout_s=5)

    assert (found.ends_at, found.trouble) == (Stage.CONNECTION, "Connection refused")


def test_a_name_that_nobody_knows_ends_the_way(monkeypatch):
    """At the name; the words are the system's."""

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    found = probe("https://mvsep.invalid", timeout_s=5)

    assert (found.ends_at, found.trouble) == (Stage.NAME, "Name or service not known")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_is_not_trusted_ends_the_way(tmp_path):
    """At the encryption, as behind a firewall that reads all traffic."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=_refused_handshake, args=(listener, context))
        thread.start()
        found = probe(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout_s=5)
        thread.join()

    assert found.ends_at is Stage.ENCRYPTION
    assert "self" in found.trouble


def _refused_handshake(listener, context):
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        context.wrap_socket(connection, server_side=True).close()


def test_a_proxy_that_is_not_there_ends_the_way(monkeypatch):
    """And is named without its password."""
    monkeypatch.setenv("https_proxy", "http://someone:secret@127.0.0.1:9")

    found = probe("https://mvsep.example", timeout_s=5)

    assert (found.ends_at, found.proxy) == (Stage.CONNECTION, "127.0.0.1:9")
    assert "secret" not in repr(found)


def test_in_a_narrow_terminal_lines_break_between_words_and_commands_do_not(tmp_path):
    """At 80 columns, as in every rescue shell."""
    controller, terminal = pty.openpty()
    config = tmp_path / "a-rather-long-name-of-a-configuration-file-in-a-deep-folder.yaml"
    config.write_text("mvsep: {token: abcdef}\nfolders: [{path: no-such-folder-here, sep_type: 40}]\n")
    config.chmod(0o600)
    command = [sys.executable, "-m", "mvsep_watch", "doctor", "--offline", "-c", config]
    process = subprocess.Popen(command, stdout=terminal, env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"})
    os.close(terminal)
    said = b""
    with suppress(OSError):  # what a terminal says when the other end is gone
        while chunk := os.read(controller, 65536):
            said += chunk
    code = process.wait(30)
    os.close(controller)

    lines = said.decode().replace("\x1b[0m", "").replace("\x1b[1m", "").split("\r\n")
    too_long = [line for line in lines if len(line) > 80 and " " in line.strip().removeprefix("problem ")]
    assert code == 4
    assert [line for line in too_long if "$ " not in line and str(tmp_path) not in line] == []
    assert any(line.strip() == f"$ mkdir -p {tmp_path}/no-such-folder-here" for line in lines)
