"""Servers on loopback that say exactly what a test wants, byte by byte, with or without encryption."""

import socket
import threading
from contextlib import suppress

from mvsep_watch.mvsep import Client, Pace

MADE = b'{"success":true,"data":{"hash":"H"}}'
WAIT_S = 10.0


class Server:
    """A loopback server of a few lines: gives every connection to a function, in a thread of its own.

    Args:
        context: Encrypts every connection first; one on which that fails is given to nobody.
    """

    def __init__(self, handle, *, context=None, receive_buffer_bytes=None):
        self._handle = handle
        self._context = context
        self._listener = socket.socket()
        if receive_buffer_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self.base_url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(WAIT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a reset would catch up with its words
            with suppress(OSError):
                if self._context is None:
                    self._handle(connection)
                    return
                with self._context.wrap_socket(connection, server_side=True) as encrypted:
                    self._handle(encrypted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(WAIT_S)


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(1)):
            raise ConnectionError("gone")
        data += more
    return data


def length_in(head):
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def read_request(connection):
    """Read one request whole, and give its head and its body."""
    head = read_head(connection)
    body = b""
    while len(body) < length_in(head):
        body += connection.recv(1 << 16)
    return head, body


def respond(connection, body, *, status="200 OK", headers=""):
    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)


def chunked(content):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


def client_of(server, **kwargs):
    return Client("secret-token", base_url=server.base_url, pace=Pace(), **kwargs)
