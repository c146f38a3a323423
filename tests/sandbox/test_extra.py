import pytest

import mvsep_watch.sandbox as room
from mvsep_watch.errors import UsageError


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    """Asking for anything is a usage error, not an import error."""
    monkeypatch.setattr(room, "EXTRA_MODULES", ("no_such_module",))

    with pytest.raises(UsageError) as caught:
        room.Sandbox  # noqa: B018 - asking is the act

    assert caught.value.hint == "pip install 'mvsep-watch[sandbox]'"


def test_a_name_that_it_does_not_have_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError):
        room.nonsense  # noqa: B018 - asking is the act


@pytest.mark.parametrize("words", [{"plan": "gold"}, {"speed": 0}, {"faults": ({"kind": "x"},)}])
def test_words_that_do_not_fit_are_usage_errors(words):
    """Before anything is started."""
    with pytest.raises(UsageError):
        room.Sandbox(**words)


def test_a_token_looks_like_the_services():
    """Thirty letters and digits; a given one is taken as it is."""
    token = room.Sandbox().token

    assert (len(token), token.isalnum(), token.isascii()) == (30, True, True)
    assert room.Sandbox(token="mine").token == "mine"
