import re

import pytest

from mvsep_watch.model import tag_in_hash
from mvsep_watch.sandbox.jobs import make_hash, price, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Luke's Theme (A Madman's Symphony)", "luke-s-theme-a-madman-s-symphony"),
        ("13 - Dimensions", "13-dimensions"),
        ("Übergröße  \u2013  café_01", "ubergrosse-cafe-01"),
        ("🎵 \n", ""),
        ("x" * 300, "x" * 120),
    ],
)
def test_slugs_look_like_the_recorded_ones(text, expected):
    """Lower case, ASCII, single hyphens, and short enough for a file name."""
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("seconds", "coefficient", "cost"),
    [(1, 1, 1), (59, 1, 1), (60, 1, 1), (119.9, 1, 1), (120, 1, 2), (45, 2, 1), (380, 1, 6), (380, 4, 25), (149, 1, 2)],
)
def test_prices_follow_the_services_formula(seconds, coefficient, cost):
    """Multiplied first, divided, rounded down, and at least 1."""
    assert price(duration_s=seconds, coefficient=coefficient) == cost


def test_a_hash_has_the_recorded_shape_and_carries_the_tag():
    """Time, ten hexadecimal digits of the name, the slug with the tag in front, the extension."""
    hash_ = make_hash(stamp="20260430153526", name="mwabcdefghijkl-Take Five.WAV", salt=0)

    assert re.fullmatch(r"20260430153526-[0-9a-f]{10}-mwabcdefghijkl-take-five\.wav", hash_)
    assert tag_in_hash(hash_) == "mwabcdefghijkl"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/b\\c.wav", "x\0.wav", "\udcff.mp3", "🎵"])
def test_no_name_leads_out_of_the_folder(name):
    """Hashes become file names, so nothing of an upload's name may lead elsewhere."""
    assert re.fullmatch(r"1-[0-9a-f]{10}-[a-z0-9-]+\.[a-z0-9]+", make_hash(stamp="1", name=name, salt=0))
