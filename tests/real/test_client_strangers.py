"""Every method of the client against a service that it has not seen, over real sockets: every envelope, every oddity.

Whatever comes back, a call gives its value or an error of the project's tree, with the service's own words and without
a secret.
"""

import inspect
import itertools
import logging
from dataclasses import fields, is_dataclass

import pytest

from mvsep_watch.errors import (
    CreditsExhaustedError,
    LinkExpiredError,
    MvsepWatchError,
    NeedsUserError,
    NotFoundError,
    PermanentError,
    PremiumRequiredError,
    RateLimitedError,
    RequestRefusedError,
    RetryableError,
    ServiceError,
    TokenRefusedError,
    TooManyUnfinishedError,
    TransportError,
)
from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Client, Link, Pace, Pair
from mvsep_watch.mvsep.base import Calls
from tests.real.emulator import Said, Stranger, shapes

TOKEN = "canary7token7of7thirty7letters"
PASSWORD = "canary7password"
SETTINGS = Settings(sep_type=40, options=(("add_opt1", "81"),), output_format=2)
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


def uploading(field):
    """Call `create` with a file, a pair, a link or nothing."""

    def call(client, path):
        pair = Pair(target=path, reference=path)
        source = {"file": path, "pair": pair, "link": Link(url="https://example.com/a.wav"), "text": None}[field]
        return client.create(source, SETTINGS)

    return call


CALLS = {
    "create a file": ("separation/create", uploading("file")),
    "create a pair": ("separation/create", uploading("pair")),
    "create a link": ("separation/create", uploading("link")),
    "create a text": ("separation/create", uploading("text")),
    "get": ("separation/get", lambda client, _: client.get(shapes.LONG)),
    "get from a mirror": ("separation/get", lambda client, _: client.get(shapes.LONG, mirror=True)),
    "get_remote": ("separation/get-remote", lambda client, _: client.get_remote(shapes.SHORT)),
    "cancel": ("separation/cancel", lambda client, _: client.cancel(shapes.LONG)),
    "delete": ("separation/delete", lambda client, _: client.delete(shapes.LONG)),
    "algorithms": ("app/algorithms", lambda client, _: client.algorithms()),
    "algorithms_text": ("app/algorithms", lambda client, _: client.algorithms_text()),
    "news": ("app/news", lambda client, _: list(client.news())),
    "demos": ("app/demo", lambda client, _: list(client.demos())),
    "queue": ("app/queue", lambda client, _: client.queue()),
    "queue_summary": ("app/queue/summary", lambda client, _: client.queue_summary()),
    "login": ("app/login", lambda client, _: client.login("e@example.com", PASSWORD)),
    "register": ("app/register", lambda client, _: client.register(name="n", email="e@x.com", password=PASSWORD)),
    "user": ("app/user", lambda client, _: client.user()),
    "separation_history": ("app/separation_history", lambda client, _: list(client.separation_history())),
    "separation_history_page": ("app/separation_history", lambda client, _: client.separation_history_page()),
    "enable_premium": ("app/enable_premium", lambda client, _: client.enable_premium()),
    "disable_premium": ("app/disable_premium", lambda client, _: client.disable_premium()),
    "enable_long_filenames": ("app/enable_long_filenames", lambda client, _: client.enable_long_filenames()),
    "disable_long_filenames": ("app/disable_long_filenames", lambda client, _: client.disable_long_filenames()),
    "quality_queue": ("quality_checker/queue", lambda client, _: list(client.quality_queue())),
    "quality_leaderboard": ("quality_checker/leaderboard", lambda client, _: client.quality_leaderboard()),
    "quality_entry": ("quality_checker/entry", lambda client, _: client.quality_entry(7772)),
    "quality_add": (
        "quality_checker/add",
        lambda client, path: client.quality_add(path, algo_name="mine", password=PASSWORD),
    ),
    "quality_delete": ("quality_checker/delete", lambda client, _: client.quality_delete(7772, password=PASSWORD)),
}
TAKES_THE_TOKEN = [
    name
    for name in CALLS
    if name.startswith(("create", "enable", "disable", "separation_history"))
    or name in {"get from a mirror", "cancel", "delete", "user", "quality_add"}
]


@pytest.fixture(scope="module")
def served():
    with Stranger() as stranger:
        yield stranger


@pytest.fixture
def stranger(served):
    served.packs, served.escapes = False, True
    yield served
    served.script.clear()
    served.phases.clear()
    served.remote_phases.clear()
    served.came.clear()


@pytest.fixture(scope="module")
def client(served):
    with Client(TOKEN, base_url=served.base_url, pace=Pace(sleep=lambda _: False), timeout_s=5.0) as made:
        yield made


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "Größe.wav"
    made.write_bytes(b"RIFF" + bytes(5000))
    return made


def outcome(call, client, path):
    """Give what a call gives, or the error of ours that it raises; a foreign one is a bug and passes."""
    try:
        return call(client, path)
    except MvsepWatchError as exc:
        return exc


def errors_of(stranger, client, path, said):
    """Give what every call comes to that the service answers so."""
    stranger.script.update({call: said for call, _ in CALLS.values()})
    return {name: outcome(ask, client, path) for name, (_, ask) in CALLS.items()}


def can_be_kept(value):
    """Say whether a value's texts can be written to a file, and its numbers to a database; tags are as told."""
    if is_dataclass(value):
        return all(can_be_kept(getattr(value, field.name)) for field in fields(value) if field.name != "tags")
    if isinstance(value, dict):
        return all(map(can_be_kept, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return all(map(can_be_kept, value))
    if isinstance(value, str):
        return not any("\ud800" <= char <= "\udfff" for char in value)
    return not isinstance(value, int) or abs(value) < 2**63


def test_every_method_is_called_here():
    """A call that is added comes under the same scrutiny; downloads have tests of their own."""
    public = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}

    assert public - vars(Calls).keys() - {"download"} == {name.partition(" ")[0] for name in CALLS}


@pytest.mark.parametrize("packs", [False, True])
@pytest.mark.parametrize("escapes", [False, True])
def test_a_yes_is_a_value_however_it_is_wrapped(stranger, client, path, packs, escapes):
    """Packed or not, with slashes escaped or not, and with keys that nobody knows."""
    stranger.packs, stranger.escapes = packs, escapes

    answers = {name: outcome(ask, client, path) for name, (_, ask) in CALLS.items()}

    assert [name for name, answer in answers.items() if isinstance(answer, MvsepWatchError)] == []
    assert [came.call for came in stranger.came] == [call for call, _ in CALLS.values()]


@pytest.mark.parametrize("envelope", shapes.ENVELOPES)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 429])
def test_a_no_is_an_error_in_the_services_own_words(stranger, client, path, envelope, status, caplog):
    """Whichever envelope it comes in, and without a secret, even where the service repeats it."""
    caplog.set_level(logging.DEBUG)
    text = f"Nothing of the kind <{TOKEN}> <{PASSWORD}>"

    errors = errors_of(stranger, client, path, Said(body=shapes.ENVELOPES[envelope](text), status=status))

    for name, error in errors.items():
        assert isinstance(error, MvsepWatchError), (name, error)
        shown = f"{error.message} {error.hint} {error!r} {error.__cause__!r} {caplog.text}"
        if name.startswith("algorithms"):
            assert isinstance(error, RetryableError), name
        elif status != 200 or not name.startswith("get_remote"):
            assert "Nothing of the kind" in error.message, name
        secrets = {TOKEN} | ({PASSWORD} if name in {"login", "register", "quality_add", "quality_delete"} else set())
        assert [secret for secret in secrets if secret in shown] == [], name


@pytest.mark.parametrize("status", [200, 301, 403, 413, 500, 502, 503])
@pytest.mark.parametrize("body", [HTML, b"", b"null", b'{"success":tr', b"\xef\xbb\xbf{}", b"[" * 100_000])
def test_what_is_no_answer_is_an_error_of_ours_and_no_refusal(stranger, client, path, status, body):
    """An outage is not a no: nothing may be concluded from it."""
    said = Said(body=body, status=status, content_type="text/html; charset=UTF-8")

    for name, error in errors_of(stranger, client, path, said).items():
        assert isinstance(error, RetryableError), (name, error)
        assert not error.refused, name
        assert any(words in error.message for words in (str(status), "gave", "say")), (name, error.message)


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("text", ["invalid token", "Invalid API key"])
@pytest.mark.parametrize("envelope", ["errors", "data", "message"])
def test_a_bad_token_closes_the_token_gate_whatever_it_is_called(stranger, client, path, status, text, envelope):
    """400 and 401, and each of the texts, were all met."""
    errors = errors_of(stranger, client, path, Said(body=shapes.ENVELOPES[envelope](text), status=status))

    for name in TAKES_THE_TOKEN:
        error = errors[name]
        assert isinstance(error, TokenRefusedError), (name, error)
        assert (error.gate, error.refused) == ("token", True), name
        assert text in error.message, name


@pytest.mark.parametrize("after", ["20", "Wed, 21 Oct 2099 07:28:00 GMT", "soon", "-1", "", None, "9" * 30])
def test_a_rate_limit_is_waited_for_and_nothing_else(stranger, client, path, after):
    """With a `Retry-After` of either kind, with one that makes no sense, and without."""
    headers = {"X-RateLimit-Remaining": "0"} | ({"Retry-After": after} if after is not None else {})
    said = Said(body={"message": "Too Many Attempts.", "success": False}, status=429, headers=headers)

    for name, error in errors_of(stranger, client, path, said).items():
        assert isinstance(error, RateLimitedError), (name, error)
        assert 0 < (error.retry_after_s or 0) < 4000, name


@pytest.mark.parametrize("after", [0, 1, 20])
def test_an_answer_that_breaks_off_is_trouble_on_the_way(stranger, client, path, after):
    """The connection ended; what the service did is not known."""
    said = Said(body={"success": True, "data": {"hash": "x" * 50}}, breaks_after=after)

    for name, error in errors_of(stranger, client, path, said).items():
        assert isinstance(error, TransportError), (name, error)
        assert not error.refused, name


@pytest.mark.parametrize("name", [name for name in CALLS if name not in {"create a pair", "algorithms_text"}])
def test_anything_in_any_place_is_a_value_or_an_error_of_ours(stranger, client, path, name):
    """Each key is left out once and holds every wrong thing once; what is read of it can be kept and shown."""
    call, ask = CALLS[name]
    good = stranger._usual()[call][1]
    outcomes = []

    for wrong in shapes.bent(good):
        stranger.script[call] = Said(body=wrong)
        outcomes.append((outcome(ask, client, path), wrong))

    assert len(outcomes) >= len(shapes.NASTY)
    assert not [wrong for found, wrong in outcomes if TOKEN in repr(found) or not can_be_kept(found)]


def test_a_separation_is_followed_through_every_phase(stranger, client, path):
    """From the upload to the bytes, which lie on another host: with a `done` that has no files yet."""
    stranger.live()
    created = client.create(path, SETTINGS)

    seen = [client.get(created.hash) for _ in range(7)]

    statuses = ["waiting", "waiting", "processing", "distributing", "merging", "done", "done"]
    assert [remote.status for remote in seen] == statuses
    assert [remote.is_done for remote in seen] == [False] * 6 + [True]
    assert (seen[0].queue_count, seen[0].current_order, seen[0].message) == (3, 2, "")
    assert (seen[3].finished_chunks, seen[3].all_chunks) == (1, 3)
    assert [(file.label, file.size_bytes) for file in seen[6].files] == [("Vocals", 30004), ("Other", 25004)]
    for file, slug in zip(seen[6].files, ("vocals", "other"), strict=True):
        assert file.url.startswith(stranger.files_url)
        with client.download(file.url) as download:
            assert b"".join(download.chunks) == shapes.content(slug)
    assert TOKEN not in "".join(came.line + str(came.headers) for came in stranger.came if came.method == "GET")


def test_a_link_is_followed_through_every_phase(stranger, client):
    """ "Being downloaded" and "not found" come first, and are not final."""
    stranger.live()

    seen = [client.get_remote(shapes.SHORT) for _ in range(5)]

    assert [remote.status for remote in seen] == ["waiting", "not_found", "waiting", "processing", "done"]
    assert [remote.is_early for remote in seen] == [True, True, False, False, False]
    assert [remote.hash for remote in seen] == ["", "", "", "", shapes.LONG]


@pytest.mark.parametrize(
    ("answer", "is_done", "is_unfinished"),
    [
        (shapes.failed(), False, False),
        (shapes.not_found(), False, False),
        (shapes.whispered("http://127.0.0.2"), True, False),
        ({**shapes.processing(), "status": "teleporting"}, False, True),
        ({**shapes.processing(), "data": []}, False, True),
        ({**shapes.processing(), "data": None}, False, True),
        ({**shapes.waiting(), "success": "true"}, False, True),
    ],
)
def test_a_status_is_what_counts(stranger, client, answer, is_done, is_unfinished):
    """Not `success`, which is true of what failed."""
    stranger.script["separation/get"] = Said(body=answer)

    remote = client.get(shapes.LONG)

    assert (remote.is_done, remote.is_unfinished) == (is_done, is_unfinished)


@pytest.mark.parametrize("status", [200, 400, 404])
def test_a_hash_that_is_gone_is_told_apart_from_an_outage(stranger, client, status):
    """The service's own JSON says so, whatever the status."""
    stranger.script["separation/get"] = Said(body=shapes.not_found(), status=status)

    assert client.get(shapes.LONG).status == "not_found"


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        (
            "You already have unprocessed file in queue. Please wait before adding new file!",
            400,
            TooManyUnfinishedError,
        ),
        ("Seperation type is unavailable until you purchase premium membership", 400, PremiumRequiredError),
        ("Seperation type is not set", 400, RequestRefusedError),
        ("Invalid parameter", 400, RequestRefusedError),
        ("File exceeds the 100 MB free limit", 400, RequestRefusedError),
        ("Insufficient credits", 400, CreditsExhaustedError),
        ("invalid token", 401, TokenRefusedError),
        ("Invalid API key", 400, TokenRefusedError),
        ("The audiofile failed to upload.", 413, RequestRefusedError),
    ],
)
@pytest.mark.parametrize("envelope", ["errors", "data", "message"])
def test_a_refused_upload_is_known_not_to_be_made(stranger, client, path, text, status, expected, envelope):
    """Each text of the service, in each envelope, is its own kind of trouble."""
    stranger.script["separation/create"] = Said(body=shapes.ENVELOPES[envelope](text), status=status)

    error = outcome(uploading("file"), client, path)

    assert type(error) is expected
    assert error.refused
    assert text in error.message


def test_a_yes_in_the_body_of_an_error_is_no_refusal(stranger, client, path):
    """Whoever answers 500 may have made the separation."""
    stranger.script["separation/create"] = Said(body=shapes.created(stranger.base_url), status=500)

    error = outcome(uploading("file"), client, path)

    assert isinstance(error, ServiceError)
    assert not error.refused


@pytest.mark.parametrize(
    ("source", "fields", "files"),
    [
        ("file", set(), {"audiofile"}),
        ("pair", set(), {"target_audiofile", "reference_audiofile"}),
        ("link", {"url", "remote_type"}, set()),
        ("text", set(), set()),
    ],
)
def test_what_an_upload_sends_is_what_the_service_knows(stranger, client, path, source, fields, files):
    """Every field by its name, the settings in full, names in ASCII, and no part twice."""
    uploading(source)(client, path)

    sent = stranger.came[0]
    common = {"api_token", "sep_type", "add_opt1", "output_format", "is_demo"}
    assert sent.fields.keys() == common | fields
    assert (sent.fields["sep_type"], sent.fields["output_format"], sent.fields["is_demo"]) == ("40", "2", "0")
    assert {part.name for part in sent.parts if part.file_name is not None} == files
    assert all(part.content == path.read_bytes() for part in sent.parts if part.name in files)
    assert all(part.file_name.isascii() for part in sent.parts if part.file_name)
    assert len(sent.parts) == len({part.name for part in sent.parts})


@pytest.mark.parametrize(
    ("queue", "is_empty", "hashes"),
    [
        (None, True, ()),
        ([], True, ()),
        ({}, True, ()),
        ([shapes.LONG], False, (shapes.LONG,)),
        ([{"hash": shapes.LONG}, {"id": 5}], False, (shapes.LONG,)),
        ([1074358], False, ()),
        ("soon", None, ()),
    ],
)
def test_the_accounts_queue_is_read_in_every_shape(stranger, client, queue, is_empty, hashes):
    """What is not understood is never taken for an empty one."""
    answer = shapes.user()
    answer["data"]["current_queue"] = queue
    stranger.script["app/user"] = Said(body=answer)

    account = client.user()

    assert (account.queue_is_empty, account.current_queue) == (is_empty, hashes)
    assert (account.credits, account.premium_enabled) == (54, True)


@pytest.mark.parametrize("shape", ["2026", "2024", "objects"])
def test_the_catalogue_is_read_in_every_shape(stranger, client, shape):
    """What one shape does not say is unknown, and never a wrong price."""
    stranger.script["app/algorithms"] = Said(body=shapes.algorithms(shape=shape))

    model = client.algorithms()[26]

    assert model.fields[0].options == {"0": "Standard set", "1": "Include intermediate results"}
    assert model.needs_premium
    assert model.price_coefficient == (None if shape == "2024" else 2.0)
    assert model.fields[0].multipliers == ({} if shape == "2024" else {"1": 2.0})
    assert model.outputs == ({} if shape == "2024" else {"vocals": "Vocals", "other": "Other"})


def test_a_job_that_is_gone_still_has_a_row(stranger, client):
    """Without hash, credits and model; it is unknown what it cost, and not nothing."""
    rows = list(client.separation_history())

    assert [(row.exists, row.hash, row.credits) for row in rows] == [(True, shapes.LONG, 2), (False, "", None)]


def test_a_missing_entry_is_told_as_missing(stranger, client):
    """By 400 and its own words."""
    stranger.script["quality_checker/entry"] = Said(body=shapes.ENVELOPES["data"]("Job not found"), status=400)

    with pytest.raises(NotFoundError, match="Job not found"):
        client.quality_entry(1)


def test_a_form_that_is_refused_names_its_fields(stranger, client):
    """As recorded of a log-in with nothing in it."""
    wrong = {"email": ["The email field is required."], "password": ["The password field is required."]}
    stranger.script["app/login"] = Said(body={"success": False, "message": wrong}, status=400)

    with pytest.raises(RequestRefusedError, match="The email field is required") as caught:
        client.login("", PASSWORD)

    assert caught.value.hint == "correct email, password"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(body=HTML, status=404, content_type="text/html"), LinkExpiredError),
        (Said(body=HTML, content_type="text/html"), RetryableError),
        (Said(body=HTML, status=503, content_type="text/html"), ServiceError),
        (Said(body=b"x" * 99, content_type="audio/flac", breaks_after=50), TransportError),
        (Said(body=b"", status=429), RateLimitedError),
        (Said(body=b"", status=302, headers={"Location": "http://192.0.2.1/x"}), PermanentError),
        (Said(body=b"", status=302, headers={"Location": "file:///etc/passwd"}), MvsepWatchError),
    ],
)
def test_a_result_that_cannot_be_had_is_never_half_a_result(stranger, client, said, expected):
    """Dead links, pages, pieces and redirects to where nobody should look."""
    stranger.script["/storage/x.flac"] = said

    with pytest.raises(expected), client.download(f"{stranger.files_url}/storage/x.flac") as download:
        list(download.chunks)


def test_every_error_says_what_to_do(stranger, client, path):
    """A message alone helps nobody; whoever must act is told how."""
    silent = []
    for (name, (call, ask)), status in itertools.product(CALLS.items(), [400, 401, 403, 413, 429, 500]):
        stranger.script[call] = Said(body=shapes.ENVELOPES["errors"]("No."), status=status)
        error = outcome(ask, client, path)
        if not (isinstance(error, (RetryableError, PermanentError, NeedsUserError)) and error.hint):
            silent.append((name, status))

    assert silent == []
