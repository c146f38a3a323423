"""Programs, addresses and servers that are real: that take a notice, hang, fail, answer a byte at a time."""

from __future__ import annotations

import contextlib
import errno
import http.client
import http.server
import json
import os
import platform
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from mvsep_watch.errors import NotToldError
from mvsep_watch.model import Destination, Message
from mvsep_watch.sandbox import Sandbox
from mvsep_watch.telling import Teller, pinging, serving, teller
from mvsep_watch.telling.serving import Serving
from tests.daemon.world import threads_named, write_wav
from tests.real.helpers import STOP_WITHIN_S, Place, free_ports, until

TOKEN = "CanaryTokenOfTheTellings012345"
MESSAGE = Message(
    title="mvsep-watch on nas: 1 held", text="held: job 1 (a.wav): why\n  hint: do", facts='{"host": "nas"}'
)
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
limits: {{credits: {{approve_job_above: 1}}}}
folders:
  - {{path: drop, output: stems, settle: 0.2s, sep_type: 40, format: wav}}
"""


class Server:
    """Answers every request with one status, and keeps what was asked; a silent one says nothing."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[tuple[str, str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                outer.asked.append((self.command, self.path, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def program(tmp_path):
    """Write a program."""

    def program(text, name="tell"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o700)
        return Destination(name="command", command=(str(path),))

    return program


def send(destination, secrets=(), environ=os.environ, is_stopping=lambda: False):
    Teller(secrets, environ).tell(destination, MESSAGE, is_stopping=is_stopping)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_gets_the_notice_on_stdin_and_the_facts_in_its_environment(program, tmp_path):
    """And no secret: the variable that holds the token is not handed on."""
    destination = program(f'cat > {tmp_path}/text; echo "$MVSEP_WATCH_NOTICE/$SECRET/$OTHER" > {tmp_path}/facts')

    send(destination, secrets=(TOKEN,), environ={**os.environ, "SECRET": f"x{TOKEN}", "OTHER": "kept"})

    assert (tmp_path / "text").read_text() == f"{MESSAGE.title}\n\n{MESSAGE.text}\n"
    assert (tmp_path / "facts").read_text() == f"{MESSAGE.facts}//kept\n"


def test_a_program_that_never_ends_is_killed_with_what_it_started(program, tmp_path, monkeypatch):
    """Although it reads nothing, writes without end, and has children."""
    monkeypatch.setattr(teller, "LIMIT_S", 0.5)
    destination = program(f"sleep 600 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; yes")

    with pytest.raises(NotToldError, match="took longer"):
        send(destination)

    pids = [int((tmp_path / name).read_text()) for name in ("child", "self")]
    until(lambda: not any(map(is_alive, pids)), within_s=5)


def test_a_stop_ends_a_program_at_once(program):
    """Nobody waits for it."""
    began_s = time.monotonic()

    with pytest.raises(NotToldError):
        send(program("sleep 600"), is_stopping=lambda: time.monotonic() - began_s > 0.2)

    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda program: program("exit 3"), "ended with 3"),
        (lambda _: Destination(name="command", command=("no-such-program-anywhere",)), "there is no program"),
        (lambda _: Destination(name="command", command=("/dev/null",)), "there is no program"),
        (lambda program: program("#", name="a b").command and program("\0", name="x"), "x"),
    ],
    ids=["fails", "missing", "no program", "broken"],
)
def test_a_program_that_does_not_take_it_is_told(program, make, said):
    """With what to look at."""
    destination = make(program)
    if said == "x":
        Path(destination.command[0]).write_text("#!/no/such/interpreter\n")

    with pytest.raises(NotToldError, match=said if said != "x" else "cannot be started") as raised:
        send(destination)

    assert raised.value.hint


def test_a_program_is_never_found_in_the_folder_that_one_stands_in(program, tmp_path, monkeypatch):
    """An empty or relative part of PATH is no place for a program that runs by itself."""
    program("touch ran", name="mine")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotToldError, match="there is no program mine"):
        send(Destination(name="command", command=("mine",)), environ={"PATH": ":.:/usr/bin"})


def test_an_address_gets_the_notice(server):
    """By Apprise, in a process of its own."""
    send(Destination(name="urls[0]", url=f"json://127.0.0.1:{server.port}/hook"))

    method, path, body = server.asked[0]
    assert (method, path) == ("POST", "/hook")
    assert (json.loads(body)["title"], json.loads(body)["message"]) == (MESSAGE.title, MESSAGE.text)


@pytest.mark.parametrize(
    ("url", "said"),
    [("json://127.0.0.1:{port}/secret-hook", "was not taken"), ("nothing-known://secret", "no address that Apprise")],
)
def test_an_address_that_does_not_take_it_is_told_without_its_words(server, url, said):
    """It answers 500, or is none."""
    server.status = 500

    with pytest.raises(NotToldError, match=said) as raised:
        send(Destination(name="urls[0]", url=url.format(port=server.port)))

    assert "secret" not in f"{raised.value} {raised.value.hint}"


def test_an_address_that_hangs_is_left(monkeypatch):
    """Within the limit, whatever the library waits for."""
    monkeypatch.setattr(teller, "LIMIT_S", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/"
        began_s = time.monotonic()

        with pytest.raises(NotToldError, match="took longer"):
            send(Destination(name="urls[0]", url=url))

    assert time.monotonic() - began_s < 4


def test_a_notice_can_be_examined_without_being_sent(server, program):
    """For whoever only wants to know."""
    Teller().examine(Destination(name="urls[0]", url=f"json://127.0.0.1:{server.port}/"))
    Teller().examine(program("exit 1"))
    with pytest.raises(NotToldError):
        Teller().examine(Destination(name="urls[0]", url="nothing-known://x"))

    assert server.asked == []


def test_a_ping_is_a_bare_request_and_a_reason_is_sent_along(server):
    """Whatever stands behind the path."""
    url = f"http://127.0.0.1:{server.port}/u/fail?k=v"

    Teller().ping(url)
    Teller().ping(url, reason="drop cannot be seen: größer")

    assert server.asked == [("GET", "/u/fail?k=v", ""), ("POST", "/u/fail?k=v", "drop cannot be seen: größer")]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_ping_that_is_not_taken_says_so_without_the_address(server, status):
    """A redirect leads nobody knows where."""
    server.status = status

    with pytest.raises(NotToldError, match=f"127.0.0.1 answered {status}") as raised:
        Teller().ping(f"http://127.0.0.1:{server.port}/secret")

    assert "secret" not in str(raised.value)


def drip(client):
    """Answer a byte at a time, within every limit of a single read."""
    for byte in b"HTTP/1.1 200 OK" * 400:
        time.sleep(0.1)
        client.send(bytes([byte]))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (drip, "no answer in time"),
        (lambda _: time.sleep(1), "no answer in time"),
        (lambda client: client.close(), "did not answer"),
        (lambda client: client.sendall(b"x" * 9000), "did not answer: HTTPException"),
    ],
    ids=["drips", "hangs", "closes", "floods"],
)
def test_a_ping_has_an_end_whatever_answers(answer, said):
    """Within its limit for all of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                answer(client)

        serving = threading.Thread(target=serve)
        serving.start()
        began_s = time.monotonic()

        with pytest.raises(NotToldError, match=said):
            pinging.ask(f"http://127.0.0.1:{listening.getsockname()[1]}/x", limit_s=0.5)

        took_s = time.monotonic() - began_s
        serving.join()
    assert took_s < 10


def test_a_ping_to_nobody_or_in_plain_words_is_no_success(server):
    """Nothing listens there; or what listens speaks no TLS; or no host can be called so."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]

        for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{server.port}/", "https://hc..example/"):
            with pytest.raises(NotToldError, match="did not answer"):
                Teller().ping(url)


@pytest.fixture
def sandbox():
    with Sandbox(token=TOKEN, speed=50, rate_limit=6000) as sandbox:
        yield sandbox


AT_ONCE = """
import sys
from mvsep_watch import bundling, health
from mvsep_watch.cli.main import main
bundling.COLLECT_S = bundling.GATE_LASTS_S = health.LASTS_S = 0.5
sys.exit(main(sys.argv[1:]))
"""


class Told(Place):
    """A place where what needs a person is told at once."""

    def __init__(self, base: Path, sandbox: Sandbox, text: str) -> None:
        (base / "drop").mkdir()
        super().__init__(base, CONFIG.format(token=TOKEN, base_url=sandbox.base_url) + text)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", AT_ONCE, "-c", str(self.config), *words]


def test_a_notifier_that_hangs_changes_nothing(tmp_path, sandbox, program):
    """A held job is told of by something that never ends: the rest is published, and the daemon stops in time."""
    hanging = program(f"echo $$ > {tmp_path}/pid; sleep 600").command[0]
    place = Told(tmp_path, sandbox, f"notify: {{command: [{hanging}]}}\n")
    write_wav(tmp_path / "drop" / "dear.wav", seconds=125)
    process = place.start()
    try:
        until((tmp_path / "pid").exists, within_s=20, tell=place.tell)
        write_wav(tmp_path / "drop" / "cheap.wav", pitch=3)
        until(lambda: place.states() == {"held": 1, "published": 1}, within_s=20, tell=place.tell)
        is_hanging = is_alive(int((tmp_path / "pid").read_text()))
    finally:
        took_s = place.stop(process)

    assert (is_hanging, took_s < STOP_WITHIN_S) == (True, True)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_once_tells_the_rest_at_its_end(tmp_path, sandbox, program):
    """Nobody will be there later; a second `once` tells nothing again."""
    telling = program(f"cat >> {tmp_path}/told").command[0]
    place = Place(
        tmp_path, CONFIG.format(token=TOKEN, base_url=sandbox.base_url) + f"notify: {{command: [{telling}]}}\n"
    )
    write_wav(tmp_path / "drop" / "dear.wav", seconds=125)

    codes = [subprocess.run(place.command("once"), check=False, capture_output=True).returncode for _ in range(2)]

    assert codes == [3, 3]
    assert (tmp_path / "told").read_text().count("1 held") == 1


def test_the_watching_service_hears_no_success_while_a_folder_is_away(tmp_path, sandbox, server):
    """The start, success after a complete scan, then the failure with its reason; success again once it is back."""
    address = f"http://127.0.0.1:{server.port}/u"
    place = Told(tmp_path, sandbox, f"ping: {{url: '{address}', interval: 1s}}\nschedule: {{rescan: 1s}}\n")
    drop = tmp_path / "drop"
    process = place.start()
    try:
        until(lambda: server.paths[:3] == ["/u/start", "/u", "/u"], within_s=20, tell=place.tell)
        drop.rename(tmp_path / "away")
        until(lambda: server.paths[-2:] == ["/u/fail"] * 2, within_s=20, tell=place.tell)
        since = server.paths.index("/u/fail")
        meanwhile, reason = server.paths[since:], server.asked[since][2]
        (tmp_path / "away").rename(drop)
        until(lambda: server.paths[-1] == "/u", within_s=20, tell=place.tell)
    finally:
        place.stop(process)

    assert set(meanwhile) == {"/u/fail"}
    assert "drop cannot be seen" in reason


@pytest.fixture
def served():
    """A server of numbers, and how to ask it."""
    serving = Serving(("127.0.0.1", 0), lambda: "mvsep_watch_running 1\n")

    def ask(path="/metrics", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=5)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body.decode(), response.headers

    ask.port = serving.port
    yield ask
    serving.close()


def test_numbers_are_served_under_one_path(served):
    """To whoever asks for it, with the type that Prometheus expects."""
    status, body, headers = served()

    assert (status, body) == (200, "mvsep_watch_running 1\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (served("/")[0], served("/metrics/x")[0], served("/metrics?x=1")[0]) == (404, 404, 200)
    assert served(method="HEAD")[:2] == (200, "")
    assert served(method="POST")[0] == 501


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:9464", 200), ("127.0.0.1", 200), ("[::1]:1", 200), (platform.node(), 200), ("evil.example", 403),
     ("evil.example:9464", 403), ("", 403), ("[", 403)],
)  # fmt: skip
def test_a_strangers_name_for_this_machine_is_refused(served, host, status):
    """A browser may be led here by one."""
    assert served(Host=host)[0] == status


def test_who_connects_and_says_nothing_is_left(served, monkeypatch):
    """And whoever asks next is answered."""
    monkeypatch.setattr(serving._Handler, "timeout", 0.3)

    with socket.create_connection(("127.0.0.1", served.port)):
        status = served()[0]

    assert status == 200


def test_a_client_that_there_is_no_descriptor_for_waits_its_turn(served, monkeypatch):
    """It is answered once there is one, and the server does not ask in a circle meanwhile."""
    tries: list[float] = []
    given = socketserver.TCPServer.get_request

    def get_request(server):
        tries.append(time.monotonic())
        if tries[-1] - tries[0] < 0.25:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return given(server)

    monkeypatch.setattr(socketserver.TCPServer, "get_request", get_request)

    assert served()[0] == 200
    assert len(tries) <= 4


def test_a_server_that_is_closed_listens_no_more():
    """Its port is free at once; one that is taken is told of."""
    first = Serving(("127.0.0.1", 0), str)
    with pytest.raises(OSError, match="in use"):
        Serving(("127.0.0.1", first.port), str)
    first.close()

    again = Serving(("127.0.0.1", first.port), str)
    again.close()

    until(lambda: threads_named("metrics") == [], within_s=10)

    assert again.port == first.port


def test_a_running_daemon_shows_its_numbers_and_follows_its_configuration(tmp_path, sandbox):
    """At its address, in its file; another address is taken as it runs; the end is in the file."""
    ports = free_ports(2)
    section = f"metrics: {{file: numbers.prom, listen: '127.0.0.1:{ports[0]}'}}\n"
    place = Told(tmp_path, sandbox, section)

    def shown(port):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return answer.read().decode()
        return ""

    process = place.start()
    try:
        until(lambda: "mvsep_watch_running 1" in shown(ports[0]), within_s=20, tell=place.tell)
        until((tmp_path / "numbers.prom").exists, within_s=20, tell=place.tell)
        place.config.write_text(place.config.read_text().replace("numbers.prom", "other.prom"))
        until((tmp_path / "other.prom").exists, within_s=20, tell=place.tell)
        is_served_still = "mvsep_watch_running 1" in shown(ports[0])
        place.config.write_text(place.config.read_text().replace(str(ports[0]), str(ports[1])))
        until(lambda: "mvsep_watch_running 1" in shown(ports[1]), within_s=20, tell=place.tell)
        until(lambda: shown(ports[0]) == "", within_s=5, tell=place.tell)
    finally:
        place.stop(process)

    assert is_served_still
    assert "mvsep_watch_running 0" in (tmp_path / "other.prom").read_text()
