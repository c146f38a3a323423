"""How work is recognised: the settings' one text, the tag, the realm; and how a file is."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.model import (
    MVSEP_REALM,
    SANDBOX_REALM,
    FileStat,
    Settings,
    Work,
    file_key,
    is_loopback,
    realm_of,
    tag_in_hash,
)
from mvsep_watch.model.work import MAX_ATTEMPTS_LOOKED_FOR

VECTOR = Settings(sep_type=40, options=(("add_opt1", "81"), ("add_opt2", "2")), output_format=2)
VECTOR_TEXT = '{"is_demo":false,"options":{"add_opt1":"81","add_opt2":"2"},"output_format":2,"sep_type":40,"v":1}'
VECTOR_TAG = "mwr67dy4lxrkai"

settings = st.builds(
    Settings.of,
    sep_type=st.integers(0, 10**6),
    options=st.dictionaries(st.integers(1, 99).map("add_opt{}".format), st.text(max_size=20), max_size=5),
    output_format=st.integers(0, 5),
    is_demo=st.booleans(),
)
keys = st.text("0123456789abcdef", min_size=64, max_size=64).map(file_key)


def test_the_canonical_text_and_the_tag_never_change():
    """Every state file, sidecar and history out there depends on them; a change needs a new version."""
    work = Work(realm="mvsep", input_key="sha256:" + "0" * 64, settings=VECTOR)

    assert VECTOR.canonical() == VECTOR_TEXT
    assert work.tag(1) == VECTOR_TAG


@given(settings)
def test_what_was_written_is_read_again(written):
    """The text is ASCII whatever is in it, and says all of it."""
    text = written.canonical()

    assert text.isascii()
    assert Settings.from_canonical(text) == written
    assert Settings.from_canonical(text).canonical() == text


@given(settings, settings)
def test_different_settings_have_different_texts(one, other):
    """And the same settings have the same one."""
    assert (one.canonical() == other.canonical()) == (one == other)


@given(st.permutations(["add_opt10", "add_opt2", "add_opt1"]))
def test_the_order_of_options_makes_no_difference(names):
    """They are put in the order of their numbers, not of their letters."""
    made = Settings.of(sep_type=1, options=dict.fromkeys(names, "0"), output_format=0, is_demo=False)

    assert [name for name, _ in made.options] == ["add_opt1", "add_opt2", "add_opt10"]


def test_settings_of_another_version_are_not_guessed_at():
    """A newer program may mean something else by the same keys."""
    text = json.dumps(json.loads(VECTOR_TEXT) | {"v": 2})

    with pytest.raises(ValueError, match="version 2"):
        Settings.from_canonical(text)


@given(
    settings,
    keys,
    st.integers(1, MAX_ATTEMPTS_LOOKED_FOR),
    st.sampled_from(["-take-five.wav", ".mp3", "-x-y.flac", ""]),
)
def test_a_tag_is_found_in_the_hash_that_the_server_makes_of_the_name(chosen, key, attempt, rest):
    """So that a separation is recognised when everything else is forgotten."""
    work = Work(realm="mvsep", input_key=key, settings=chosen)
    tag = work.tag(attempt)

    assert tag_in_hash(f"20260101120000-0123456789-{tag}{rest}") == tag
    assert work.tags()[attempt - 1] == tag
    assert len(set(work.tags())) == MAX_ATTEMPTS_LOOKED_FOR


@given(settings, settings, keys, keys)
def test_other_work_has_another_tag(one, other, first, second):
    """The realm does not count: what a sandbox made is told apart by its account and host."""
    works = [Work(realm="mvsep", input_key=key, settings=chosen) for key, chosen in ((first, one), (second, other))]

    assert (works[0].tag(1) == works[1].tag(1)) == (works[0] == works[1])


@pytest.mark.parametrize(
    "hash_",
    [
        "",
        "20260101120000",
        "20260101120000-0123456789-take-five.wav",
        f"20260101120000-0123456789-x{VECTOR_TAG}.wav",
        f"20260101120000-0123456789-{VECTOR_TAG}2.wav",
        "20260101120000-0123456789-mwr67dy4lxrka1.wav",
        f"{VECTOR_TAG}-0123456789-take-five.wav",
    ],
)
def test_a_hash_of_somebody_elses_name_holds_no_tag(hash_):
    """Only the whole tag, and only at the beginning of the name."""
    assert tag_in_hash(hash_) is None


@pytest.mark.parametrize(
    ("base_url", "realm"),
    [
        ("https://mvsep.com", MVSEP_REALM),
        ("https://MVSEP.com/", MVSEP_REALM),
        ("https://de.mvsep.com", MVSEP_REALM),
        ("http://127.0.0.1:8000", SANDBOX_REALM),
        ("http://127.9.9.9", SANDBOX_REALM),
        ("http://localhost:1", SANDBOX_REALM),
        ("http://[::1]:8000", SANDBOX_REALM),
        ("https://notmvsep.com", "notmvsep.com"),
        ("https://mvsep.com.example.org", "mvsep.com.example.org"),
        ("https://127.0.0.1.example.org", "127.0.0.1.example.org"),
        ("https://localhost.example.org", "localhost.example.org"),
    ],
)
def test_a_realm_is_whose_memory_and_money_it_is(base_url, realm):
    """All mirrors are one, all local sandboxes are one, and a look-alike is neither."""
    assert realm_of(base_url) == realm


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("128.0.0.1", False), ("", False)],
)
def test_only_this_machine_is_loopback(host, expected):
    """Plain http is for this machine alone."""
    assert is_loopback(host) is expected


def test_numbers_that_the_kernel_makes_up_tell_no_content_from_another(tmp_path):
    """FAT, what runs in user space, and some shares number a file anew once it was forgotten, and after each mount."""
    found = tmp_path.stat()
    renumbered = os.stat_result((found.st_mode, found.st_ino + 1, found.st_dev + 1, *found[3:]), {
        f"st_{name}time_ns": getattr(found, f"st_{name}time_ns") for name in "amc"
    })  # fmt: skip

    assert FileStat.of(renumbered) == FileStat.of(found)
