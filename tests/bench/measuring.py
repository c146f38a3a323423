"""Measures child processes against each other in the same run: wall time and CPU time, best of a few rounds.

Ratios travel between machines, seconds do not; so every table names its baseline and gives both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 3
START = "its start alone"
"""What the start of Python and of the package costs, which a bound does not count."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process took."""

    wall_s: float
    cpu_s: float


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end; it must succeed."""
    begun_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begun_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed with {process.returncode}")
    return Measured(wall_s, usage.ru_utime + usage.ru_stime)


def parser(about: str | None, *, default: int = 500) -> argparse.ArgumentParser:
    """Read the word that these programs take: the size, in MiB."""
    words = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("megabytes", nargs="?", type=int, default=default, help=f"MiB ({default})")
    return words


def compare(title: str, commands: Mapping[str, Sequence[str]], *, judged: str, most: float) -> bool:
    """Run every command in turns and print the best of each; the first is the baseline.

    Args:
        title: What is compared.
        commands: By name; `START` among them.
        judged: The command that is held to a bound: its CPU time without that of the start.
        most: The bound, in times of the baseline.

    Returns:
        Whether the bound was kept.
    """
    rounds = [{name: measure(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    best = {
        name: Measured(min(taken[name].wall_s for taken in rounds), min(taken[name].cpu_s for taken in rounds))
        for name in commands
    }
    base = next(iter(best.values()))
    print(f"\n{title} (best of {ROUNDS})")
    print(f"{'':44} {'wall s':>8} {'ratio':>6} {'CPU s':>8} {'ratio':>6}")
    for name, taken in best.items():
        walls, cpus = taken.wall_s / base.wall_s, taken.cpu_s / base.cpu_s
        print(f"{name:44} {taken.wall_s:8.2f} {walls:6.2f} {taken.cpu_s:8.2f} {cpus:6.2f}")
    ratio = (best[judged].cpu_s - best[START].cpu_s) / base.cpu_s
    print(f"{judged}, without its start: {ratio:.2f} of the CPU, at most {most}{'' if ratio <= most else '  MISSED'}")
    return ratio <= most


@contextmanager
def serving(*, is_encrypted: bool = False) -> Iterator[str]:
    """Serve the sink in a process of its own; gives its address. Encrypted, what is measured then believes it."""
    with tempfile.TemporaryDirectory(prefix="mvsep-watch-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.sink", *([_certificate(folder)] if is_encrypted else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def _certificate(folder: str) -> str:
    """Make a certificate for loopback, with its key in the same file, and have it believed."""
    path = f"{folder}/certificate.pem"
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=bench", "-days", "1")
    names = ("-addext", "subjectAltName=IP:127.0.0.1")
    made = ["openssl", "req", "-x509", "-nodes", *words, *names, "-keyout", path, "-out", f"{path}.part"]
    subprocess.run(made, check=True, capture_output=True)
    with Path(path).open("a") as file:
        file.write(Path(f"{path}.part").read_text())
    os.environ.update(SSL_CERT_FILE=path, CURL_CA_BUNDLE=path)
    return path


@contextmanager
def scratch(size_bytes: int) -> Iterator[Path]:
    """Give a folder with a file `data` of that size in it, of bytes that no file system makes holes of."""
    with tempfile.TemporaryDirectory(prefix="mvsep-watch-bench-") as name:
        folder, block = Path(name), os.urandom(1 << 20)
        with (folder / "data").open("wb") as file:
            for _ in range(size_bytes >> 20):
                file.write(block)
        yield folder


def ours(*words: str | Path) -> list[str]:
    """Give the command that does one thing with the project's own code."""
    return [sys.executable, "-m", "tests.bench.ours", *map(str, words)]
