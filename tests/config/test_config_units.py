import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.config.units import (
    DURATION_PATTERN,
    RATE_PATTERN,
    SIZE_PATTERN,
    duration_s,
    duration_text,
    rate_bytes_per_s,
    size_bytes,
    size_text,
)

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(90, 90.0), (0, 0.0), (1.5, 1.5), ("0.5s", 0.5), ("10m", 600.0), ("72h", 259200.0), ("1d", 86400.0)],
)
def test_a_duration_is_a_number_of_seconds_or_says_its_unit(written, seconds):
    """As people write them."""
    assert duration_s(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "90", "10 m", "10min", "-1s", "1h30m", "m", "1s\n", True, None, -1, [1], "99999999d", 10**12]
)
def test_anything_else_is_no_duration(written):
    """A guess here would be a limit that nobody set."""
    with pytest.raises(ValueError):
        duration_s(written)


@given(st.integers(0, 3650), st.sampled_from(sorted(UNITS_S)))
def test_a_duration_reads_as_its_number_times_its_unit(number, unit):
    """Whatever the number."""
    assert duration_s(f"{number}{unit}") == number * UNITS_S[unit]


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("0B", 0),
        ("12B", 12),
        ("1kB", 1000),
        ("1KB", 1000),
        ("500MB", 500_000_000),
        ("1.5 GB", 1_500_000_000),
        ("2GiB", 2**31),
        ("1KiB", 1024),
        ("3MiB", 3 * 2**20),
        ("1TB", 10**12),
        ("1TiB", 2**40),
    ],
)
def test_a_size_says_its_unit(written, size):
    """Thousands without an i, 1024 with one."""
    assert size_bytes(written) == size


@pytest.mark.parametrize(
    "written", ["", "500", 500, "MB", "-1MB", "1mb", "1 M", "1Mb", "1MB\n", True, None, "9" * 400 + "TB"]
)
def test_anything_else_is_no_size(written):
    """A bare 500 could be bytes or megabytes."""
    with pytest.raises(ValueError):
        size_bytes(written)


@pytest.mark.parametrize(
    ("written", "bytes_per_s"), [("2MB/s", 2_000_000), ("1kB/s", 1000), ("1.5 GB/s", 1_500_000_000), ("1MiB/s", 2**20)]
)
def test_a_rate_is_a_size_a_second(written, bytes_per_s):
    """In the units of sizes."""
    assert rate_bytes_per_s(written) == bytes_per_s


@pytest.mark.parametrize("written", ["", "2MB", "2MB/m", "/s", "0B/s", "999B/s", "2 /s", "2Mb/s", 2000, None, True])
def test_anything_else_is_no_rate(written):
    """Nor is a rate at which nothing would ever arrive."""
    with pytest.raises(ValueError):
        rate_bytes_per_s(written)


@given(
    st.from_regex(DURATION_PATTERN, fullmatch=True)
    | st.from_regex(SIZE_PATTERN, fullmatch=True)
    | st.from_regex(RATE_PATTERN, fullmatch=True)
)
def test_an_editor_and_the_reader_agree_on_what_is_well_written(written):
    """What the schema's patterns allow is read, or refused for its magnitude alone."""
    read = {"B": size_bytes, "/": rate_bytes_per_s}.get(written.removesuffix("s")[-1], duration_s)
    try:
        assert read(written) >= 0
    except ValueError:
        is_slow = written.endswith("B/s")
        assert is_slow or not written.isascii() or float(re.match(r"[0-9.]+", written).group()) > 3650


@pytest.mark.parametrize(("seconds", "written"), [(5.0, "5s"), (60.0, "60s"), (0.5, "0.5s"), (300.0, "5m")])
def test_a_duration_is_written_as_it_is_read(seconds, written):
    """In minutes where they come out even, and are more than one."""
    assert duration_text(seconds) == written
    assert duration_s(written) == seconds


@pytest.mark.parametrize(("size", "written"), [(20 * 10**9, "20GB"), (1500, "1500B"), (64_000, "64kB")])
def test_a_size_is_written_as_it_is_read(size, written):
    """In the largest unit in which it comes out even."""
    assert size_text(size) == written
    assert size_bytes(written) == size
