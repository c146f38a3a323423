"""A server that costs next to nothing: takes any POST and answers as `create` does, gives zeros for any GET.

`GET /<bytes>` gives so many bytes, by sendfile from a hole; encrypted, with the certificate that is named, from memory.
"""

from __future__ import annotations

import argparse
import ssl
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = b'{"success":true,"data":{"hash":"20260101000000-0123456789-bench.wav"}}'
buffer = memoryview(bytearray(1 << 20))


class Sink(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    rbufsize = 0  # nothing of a body may be taken with the headers

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Take a body and throw it away."""
        left = int(self.headers["Content-Length"])
        while left and (taken := self.connection.recv_into(buffer[: min(left, len(buffer))])):
            left -= taken
        self._begin(len(ANSWER))
        self.wfile.write(ANSWER)

    def do_GET(self) -> None:
        """Give zeros."""
        size = int(self.path.strip("/"))
        self._begin(size)
        if isinstance(self.connection, ssl.SSLSocket):
            for left in range(size, 0, -len(buffer)):
                self.connection.sendall(buffer[:left])
            return
        with tempfile.TemporaryFile() as hole:
            hole.truncate(size)
            self.connection.sendfile(hole)

    def _begin(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("certificate", nargs="*", help="a file with a certificate and its key: to serve encrypted")
    certificate = parser.parse_args().certificate
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print(f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
