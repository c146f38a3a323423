"""The house: imports go down only, and the floors that decide touch nothing."""

import ast
from pathlib import Path

import pytest

import mvsep_watch

PACKAGE = Path(mvsep_watch.__file__).parent
FLOORS = (
    ("model", "errors"),
    ("planner", "settle", "retry", "naming", "pricing", "wanted", "options", "hours", "bundling", "flapping", "health"),
    ("mvsep", "store", "files", "watcher", "audio", "config", "log", "data", "telling"),
    ("steps",),
    ("daemon",),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SANDBOX = "sandbox"
ROOT = "__init__"
DECIDING = (*FLOORS[0], *FLOORS[1])
OUTSIDES = {
    "asyncio", "builtins", "datetime", "fcntl", "glob", "httpx", "io", "os", "random", "requests", "secrets", "select",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib.request",
}  # fmt: skip
OUTSIDE_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
FILE_METHODS = {
    "absolute", "chmod", "exists", "glob", "is_dir", "is_file", "is_symlink", "iterdir", "lstat", "mkdir", "open",
    "read_bytes", "read_text", "rename", "resolve", "rglob", "rmdir", "samefile", "stat", "symlink_to", "touch",
    "unlink", "write_bytes", "write_text", "home", "cwd", "expanduser",
}  # fmt: skip


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules(*rooms):
    return sorted(path for path in PACKAGE.rglob("*.py") if not rooms or room_of(path) in rooms)


def imported(path):
    """The full names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports name their room in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path):
    names = {name for name in imported(path) if name.startswith("mvsep_watch.")}
    return {name.split(".")[1] for name in names} - {"__version__"}


def may_import(room, other):
    if other == room:
        return True
    if SANDBOX in (room, other):
        return room == "cli" or (room == SANDBOX and (FLOOR_OF[other] < 2 or other == "data"))
    if FLOOR_OF[room] < 2:
        return FLOOR_OF[other] <= FLOOR_OF[room]
    return FLOOR_OF[other] < FLOOR_OF[room]


def test_every_room_has_its_floor():
    """A new room is put on a floor before it is built on."""
    assert {room_of(path) for path in modules()} - {ROOT, "__main__"} <= {*FLOOR_OF, SANDBOX}


def test_imports_go_down_only():
    """And never sideways between the rooms that touch the outside; the sandbox is aside, only commands know it."""
    upward = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in modules(*FLOOR_OF, SANDBOX)
        for other in sorted(rooms_imported(path))
        if not may_import(room_of(path), other)
    ]

    assert upward == []


def test_the_floors_that_decide_import_no_file_no_socket_and_no_clock():
    """So that a decision is a function of its values, and its test needs nothing else."""
    found = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules(*DECIDING)
        for name in imported(path)
        if any(name == outside or name.startswith(f"{outside}.") for outside in OUTSIDES)
        and (path.name, name) != ("source.py", "os")  # the type of a stat
    ]

    assert found == []


@pytest.mark.parametrize("path", modules(*DECIDING), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_floors_that_decide_open_nothing(path):
    """Paths are values there: taken apart and put together, never looked at."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {func.id for func in calls if isinstance(func, ast.Name)}
    methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}

    assert names & OUTSIDE_CALLS == set()
    assert methods & FILE_METHODS == set()


@pytest.mark.parametrize(("library", "room"), [("httpx", "mvsep"), ("sqlite3", "store")])
def test_each_outside_has_one_room(library, room):
    """One place to translate its errors, one place to change when it changes."""
    rooms = {room_of(path) for path in modules() for name in imported(path) if name.split(".")[0] == library}

    assert rooms == {room}
