"""`spend`: what was estimated, charged and given back, by day, folder, rule and model; with and without a daemon."""

import datetime as dt

import pytest
from rich.console import Console

from mvsep_watch.cli import spending
from mvsep_watch.cli.spending import Period, period_of, summed
from mvsep_watch.errors import UsageError
from mvsep_watch.store.spending import Spent
from tests.cli.settled import Person, limit
from tests.daemon.world import write_wav

TODAY = dt.date(2026, 3, 18)
SINCE = ("--since", "2000-01-01")
SUMS = {"separations", "estimated", "charged", "given_back", "open", "unconfirmed", "spent"}


@pytest.fixture
def person(run, world, capsys):
    limit(world)
    return Person(run, world, capsys)


def separation(**changes):
    values = {
        "account": "me", "day": "2026-03-17", "folder": "drop", "rule": "vocals", "sep_type": 40, "algorithm": "Two",
        "was_made": True, "estimated": 4, "charged": 4, "given_back": 0, "open": 0, "ended_at": 10.0,
    }  # fmt: skip
    return Spent(**values | changes)


def sums(rows, *, by="day", now=20.0, current="me"):
    period = Period(first=TODAY, last=None)
    return summed(rows, realm="mvsep", period=period, by=by, current=current, now=now)


def published(world):
    for pitch, seconds in ((1, 3), (2, 130)):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch, seconds=seconds)
    world.start()
    world.finish()
    world.pass_time(120)


# The command


def test_spend_says_what_limits_count(person, world):
    """By the ledger, beside a daemon as without one."""
    published(world)
    day = world.engine.context.today()
    counted = world.store.separations.spent("mvsep", day, day)

    _, beside = person.json("spend", *SINCE)
    world.stop()
    code, found = person.json("spend", *SINCE)

    (account,) = found["accounts"]
    total = {"separations": 2, "estimated": 3, "charged": 3, "given_back": 0, "open": 0, "unconfirmed": 0, "spent": 3}
    assert (code, beside, found["total"], account["total"]) == (0, found, total, total)
    assert (counted, account["lines"]) == (3, [{"day": day, **total}])


def test_what_is_under_way_is_open(person, world):
    """Reserved, and not known yet."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    _, found = person.json("spend", *SINCE)
    _, said, _ = person("spend", *SINCE)

    assert (found["total"]["open"], found["total"]["charged"], found["total"]["spent"]) == (1, 0, 1)
    assert said.endswith("1 credit spent since 2000-01-01: 0 charged, 1 still open\n")


def test_spend_as_people_see_it(person, world):
    """A table, its sum, and what it comes to."""
    published(world)
    day = world.engine.context.today()

    _, said, _ = person("spend", "--since", day, "--until", day)

    heads, _, *rows, words = [line.split() for line in said.splitlines()]
    assert heads == ["day", "separations", "estimated", "charged", "given", "back", "open"]
    assert rows == [[day, "2", "3", "3", "0", "0"], ["total", "2", "3", "3", "0", "0"]]
    assert " ".join(words) == f"3 credits spent from {day} to {day}"


@pytest.mark.parametrize(
    ("by", "line"),
    [
        ("folder", {"folder": "drop"}),
        ("rule", {"folder": "drop", "rule": "default"}),
        ("model", {"sep_type": 40, "model": "BS Roformer (vocals, instrumental)"}),
    ],
)
def test_a_line_names_what_it_stands_for(person, world, by, line):
    """With stable keys."""
    published(world)
    named = world.store.db.value("SELECT algorithm FROM separations")

    _, found = person.json("spend", "--by", by, *SINCE)

    (row,) = found["accounts"][0]["lines"]
    expected = {**line, "model": named} if by == "model" else line
    assert {key: row[key] for key in row.keys() - SUMS} == expected
    assert set(row) - set(line) == SUMS


def test_where_nothing_has_run_nothing_was_spent(person):
    """It is no error."""
    code, said, _ = person("spend")
    _, found = person.json("spend")

    assert (code, said.startswith("nothing has run yet")) == (0, True)
    assert (found["accounts"], found["total"]["spent"]) == ([], 0)


def test_another_realm_is_asked_for_by_name(person, world):
    """What a sandbox took is not counted for the service."""
    published(world)

    _, elsewhere = person.json("spend", "--realm", "sandbox", *SINCE)

    assert (elsewhere["realm"], elsewhere["accounts"], elsewhere["total"]["spent"]) == ("sandbox", [], 0)


def test_it_changes_nothing(person, world):
    """The state file is only read."""
    published(world)
    world.stop()
    before = (world.base / "state.sqlite3").read_bytes()

    person("spend")

    assert (world.base / "state.sqlite3").read_bytes() == before


# Days


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, "2026-03-01", "2026-03-31"),
        ("2026-01-05", None, "2026-01-05", None),
        ("30d", None, "2026-02-17", None),
        ("1d", None, "2026-03-18", None),
        (None, "2026-03-02", "2026-03-01", "2026-03-02"),
        ("2024-02-29", "2024-02-29", "2024-02-29", "2024-02-29"),
    ],
)
def test_days_are_asked_for_by_date_or_by_number(since, until, first, last):
    """This month if nothing is said; 30d are the last 30, today included."""
    period = period_of(since, until, today=TODAY)

    assert (str(period.first), period.last and str(period.last)) == (first, last)


@pytest.mark.parametrize(
    ("since", "until"),
    [("yesterday", None), ("2026-02-30", None), ("99999999d", None), ("2026-03-10", "2026-03-09"), (None, "2026-02-01"),
     ("-3d", None), ("", None)],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_an_example(since, until):
    """Nobody gets the sum of another period."""
    with pytest.raises(UsageError) as caught:
        period_of(since, until, today=TODAY)

    assert caught.value.hint


# Sums


def test_each_account_has_sums_of_its_own_the_current_one_first():
    """Limits count them all: the service is one."""
    found = sums([separation(), separation(account="a former one", charged=3)])

    assert [(account.name, account.total.charged) for account in found.accounts] == [("me", 4), ("a former one", 3)]
    assert found.total.spent == 7


def test_days_come_in_their_order_and_all_else_by_what_it_took():
    """The dearest is what people look for."""
    rows = [
        separation(day="2026-03-17", folder="a", charged=1),
        separation(day="2026-03-15", folder="b", charged=5),
        separation(day="2026-03-16", folder="c", charged=3),
    ]

    days = spending.as_json(sums(rows))["accounts"][0]["lines"]
    folders = spending.as_json(sums(rows, by="folder"))["accounts"][0]["lines"]

    assert [line["day"] for line in days] == ["2026-03-15", "2026-03-16", "2026-03-17"]
    assert [line["folder"] for line in folders] == ["b", "c", "a"]


def test_single_files_are_one_line():
    """Each has a folder of its own, with a name that nobody knows."""
    rows = [separation(folder="separate/0a1b"), separation(folder="separate/2c3d"), separation(folder=None, rule=None)]

    found = spending.as_json(sums(rows, by="folder"))["accounts"][0]["lines"]

    assert [(line["folder"], line["separations"]) for line in found] == [("separate/*", 2), (None, 1)]


@pytest.mark.parametrize(("ended_at", "unconfirmed"), [(None, 0), (100.0, 0), (99.0, 4)])
def test_an_estimate_that_stands_is_told(ended_at, unconfirmed, capsys):
    """An hour after the end nobody looks for the charge any more."""
    found = sums([separation(charged=0, open=4, ended_at=ended_at)], now=3700.0)

    spending.show(found, Console(width=80, soft_wrap=True))

    said = capsys.readouterr().out
    assert found.total.unconfirmed == unconfirmed
    assert ("4 credits of the open are estimates that stand" in said) is bool(unconfirmed)


def test_it_fits_a_terminal_of_80_columns(capsys):
    """However long the model's name."""
    name = "MVSep Ensemble 11.50 All-In (vocals, bass, drums, piano, guitar, lead/back vocals, other)"
    rows = [separation(sep_type=28, algorithm=name, estimated=12345, charged=12345)]

    spending.show(sums(rows, by="model"), Console(width=80, soft_wrap=True))

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "28 MVSep" in lines[2]
