import pytest

from mvsep_watch.model import CreditLimits, Limits, Poll, Reconcile, Window

FOLDERS = "folders: [{path: /music/drop, sep_type: 40}]\n"


def test_only_a_token_and_a_folder_are_needed(config):
    """Everything else has a default."""
    loaded = config.load(f"{config.mvsep}{FOLDERS}")
    folder = loaded.folders[0]
    rule = folder.rules[0]

    assert loaded.service.base_url == "https://mvsep.com"
    assert (loaded.service.timeout_s, loaded.service.poll, loaded.service.reconcile) == (60.0, Poll(), Reconcile())
    assert (loaded.limits, loaded.rescan_s) == (Limits(), 300.0)
    assert (loaded.path, loaded.state) == (config.path, config.path.with_name("mvsep-watch.state.sqlite3"))
    assert (folder.name, str(folder.path), str(folder.output)) == ("drop", "/music/drop", "/music/drop-stems")
    assert (folder.layout, folder.source, folder.settle_s) == ("{rel}/{name}", "keep", 5.0)
    assert (folder.recursive, folder.include, folder.exclude) == (True, ("audio",), ())
    assert (folder.watch, folder.existing) == ("auto", "process")
    assert (rule.name, rule.match, rule.sep_type, rule.options) == ("default", ("*",), 40, ())
    assert (rule.output_format, rule.stems, rule.priority, rule.demo) == (0, None, 0, False)


def test_every_section_arrives_where_it_is_used(config):
    """A key that is read and forgotten would be a limit that does not hold."""
    loaded = config.load(
        "mvsep:\n"
        "  token: ${MVSEP_API_TOKEN}\n"
        "  base_url: http://127.0.0.1:8080/\n"
        "  timeout: 0.5s\n"
        "  poll: {min: 1s, max: 2m}\n"
        "  reconcile: {window: 3m, interval: 7}\n"
        "state: s.sqlite3\n"
        "limits:\n"
        "  {separations: 3, uploads: 4, downloads: 5, attempts: 6, per_day_jobs: 7, max_size: 2GiB, max_duration: 1d,\n"
        "  upload_rate: 2MB/s, download_rate: 1MiB/s, spool: 3GB,\n"
        "   credits: {reserve: 1, per_day: 2, per_month: 3, approve_job_above: 4, approve_batch_above: null}}\n"
        "schedule: {rescan: 90, hours: fri 22:00-07:00}\n" + FOLDERS
    )
    spending = CreditLimits(reserve=1, per_day=2, per_month=3, approve_job_above=4, approve_batch_above=None)

    assert (loaded.service.base_url, loaded.service.timeout_s) == ("http://127.0.0.1:8080", 0.5)
    assert loaded.service.poll == Poll(min_s=1.0, max_s=120.0)
    assert loaded.service.reconcile == Reconcile(window_s=180.0, interval_s=7.0)
    assert loaded.limits == Limits(
        separations=3,
        uploads=4,
        upload_bytes_per_s=2_000_000,
        download_bytes_per_s=2**20,
        downloads=5,
        attempts=6,
        per_day_jobs=7,
        max_size_bytes=2 * 2**30,
        max_duration_s=86400.0,
        spool_bytes=3 * 10**9,
        credits=spending,
    )
    assert (loaded.rescan_s, loaded.state) == (90.0, config.path.parent / "s.sqlite3")
    assert loaded.hours == (Window(days=frozenset({4}), start_minute=1320, end_minute=1860),)


@pytest.mark.parametrize(("written", "spool_bytes"), [("{spool: 0}", 0), ("{spool: 1MiB}", 2**20), ("{}", 20 * 10**9)])
def test_the_spool_can_be_bounded_or_switched_off(config, written, spool_bytes):
    """0 is the only bare number: it needs no unit."""
    limits = config.load(f"{config.mvsep}limits: {written}\n{FOLDERS}").limits

    assert limits.spool_bytes == spool_bytes


@pytest.mark.parametrize("key", ["per_day_jobs", "max_size", "max_duration"])
def test_null_is_no_limit(config, key):
    """Where the table says so."""
    limits = config.load(f"{config.mvsep}limits: {{{key}: null}}\n{FOLDERS}").limits

    assert None in (limits.per_day_jobs, limits.max_size_bytes, limits.max_duration_s)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("limits: {separations: null}", "limits.separations: found null; allowed: a whole number, or auto"),
        ("limits: {separations: 0}", "limits.separations: found 0; allowed: 1 or more, or auto"),
        ("limits: {separations: atuo}", 'found "atuo"; allowed: a whole number, or auto; did you mean "auto"?'),
        ('limits: {uploads: "3"}', 'limits.uploads: found "3"; allowed: a whole number'),
        ("limits: {uploads: 2.5}", "limits.uploads: found 2.5; allowed: a whole number"),
        ("limits: {uploads: true}", "limits.uploads: found true; allowed: a whole number"),
        ("limits: {attempts: -1}", "limits.attempts: found -1; allowed: 1 or more"),
        ("limits: {max_size: 500}", "found 500; allowed: a size such as 500MB or 2GiB, auto, or null"),
        ("limits: {upload_rate: 2MB}", 'found "2MB"; allowed: a rate such as 2MB/s'),
        ("limits: {max_size: 500 megs}", 'found "500 megs"; allowed: a size'),
        ("limits: {spool: 500}", "found 500; allowed: a size such as 500MB or 2GiB, or 0"),
        ("limits: {spool: false}", "found false; allowed: a size such as 500MB or 2GiB, or 0"),
        ("limits: {max_duration: 10 min}", 'found "10 min"; allowed: a duration such as'),
        ("limits: {max_duration: true}", "found true; allowed: a duration"),
        ("limits: {credits: 5}", "found 5; allowed: a mapping of keys such as reserve and per_day, or null"),
        ("limits: {credits: {per_day: [1]}}", "limits.credits.per_day: found a list; allowed: a whole number, or null"),
        ("limits: {uplaods: 3}", 'limits.uplaods: unknown key; did you mean "uploads"?'),
        ("limits: {zzz: 3}", "limits.zzz: unknown key; allowed: separations, uploads"),
        ("schedule: {rescan: 0}", "schedule.rescan: found 0; allowed: 1 or more"),
        ("schedule: {rescan: -5m}", 'schedule.rescan: found "-5m"; allowed: a duration'),
        ("schedule: {hours: 22:00}", "schedule.hours: found 22:00 without quotes; YAML 1.1 reads it to base 60"),
        ('schedule: {hours: ["22:00-07:00"]}', 'schedule.hours: found a list; allowed: hours such as "22:00-07:00"'),
        ("schedule: {hours: weekend}", 'schedule.hours: found "weekend"; allowed: hours such as "22:00-07:00"'),
        ("schedule: {hours: 08:00-25:00}", "schedule.hours: found 25:00; a time is from 00:00 to 24:00"),
        ("state: 5", "state: found 5; allowed: text, or null"),
        ("stat: x", 'stat: unknown key; did you mean "state"?'),
        ("state: $HOME/x", "state: the path cannot be used: found a dollar by itself; write ${NAME}"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_is_allowed(config, section, problem):
    """What was found, what is allowed, and the near match."""
    assert problem in config.problem(f"{config.mvsep}{section}\n{FOLDERS}")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("base_url: http://mvsep.com", "plain http is for this machine only"),
        ("base_url: http://192.168.1.2", "plain http is for this machine only"),
        ("base_url: http://127.evil.com", "plain http is for this machine only"),
        ("base_url: https://mvsep.com/api", "more than a scheme, a host and a port"),
        ("base_url: 'https://mvsep.com?api_token=s3cret'", "more than a scheme, a host and a port"),
        ("base_url: https://u:s3cret@mvsep.com", "more than a scheme, a host and a port"),
        ("base_url: mvsep.com", 'found "mvsep.com"; allowed: a URL such as'),
        ("base_url: 'mvsep.com?api_token=s3cret'", "mvsep.base_url: found a value; allowed: a URL such as"),
        ("base_url: 'u:s3cret@mvsep.com'", "mvsep.base_url: found a value; allowed: a URL such as"),
        ("base_url: 'https:// mvsep.com'", "a URL such as https://mvsep.com"),
        ("base_url: ftp://mvsep.com", "a URL such as https://mvsep.com"),
        ("base_url: 'https://mvsep.com:port'", "a URL such as https://mvsep.com"),
        ("base_url: 3", "a URL such as https://mvsep.com"),
        ("poll: {min: 9s, max: 8s}", "mvsep.poll: min is longer than max"),
        ("poll: {max: 4s}", "mvsep.poll: min is longer than max"),
        ("reconcile: {windw: 1m}", 'did you mean "window"?'),
    ],
)
def test_a_service_that_cannot_be_meant_is_refused(config, keys, problem):
    """A token never goes over an open line, nor to an address that holds one."""
    found = config.problem(f"mvsep:\n  token: ${{MVSEP_API_TOKEN}}\n  {keys}\n{FOLDERS}")

    assert problem in found
    assert "s3cret" not in found


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://de.mvsep.com/", "https://de.mvsep.com"),
        ("http://localhost:80", "http://localhost"),
        ("https://MVSEP.com:443", "https://mvsep.com"),
        ("http://[::1]:8", "http://[::1]:8"),
        ("HTTPS://MVSEP.com", "https://mvsep.com"),
    ],
)
def test_a_base_url_has_one_form(config, written, url):
    """What is recorded on a separation compares as text."""
    loaded = config.load(f"mvsep: {{token: '${{MVSEP_API_TOKEN}}', base_url: '{written}'}}\n{FOLDERS}")

    assert loaded.service.base_url == url


def test_all_problems_are_told_at_once_in_the_order_of_the_file(config):
    """Also behind a misspelt key, and between folders when one of them has other problems."""
    problems = config.problems(
        "mvsep:\n"
        "  tokn: ${NOPE}\n"
        "limits: {uploads: 0, separations: atuo}\n"
        "folders:\n"
        "- path: /a/drop\n"
        "  recursiv: no\n"
        "  output: /a/drop/out\n"
        "  rules:\n"
        "  - {name: x, sep_type: 40, format: flacc}\n"
        "  - {name: x, sep_type: 40}\n"
        "- {path: /a/drop, name: two, sep_type: 1, colour: red}\n"
        "- {sep_type: 1}\n"
        "- 5\n"
    )

    assert [problem.split(": ")[:2] for problem in problems] == [
        ["2:3", "mvsep.tokn"],
        ["2:9", "mvsep.token"],
        ["3:19", "limits.uploads"],
        ["3:35", "limits.separations"],
        ["6:3", "folders[0].recursiv"],
        ["6:13", "folders[0].recursiv"],
        ["7:11", "folders[0].output"],
        ["9:37", "folders[0].rules[0].format"],
        ["10:12", "folders[0].rules[1].name"],
        ["11:10", "folders[1].path"],
        ["11:43", "folders[1].colour"],
        ["12:3", "folders[2].path"],
        ["13:3", "folders[3]"],
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "folders: there is no folder to watch"),
        ("folders: []", "folders: found an empty list; allowed: at least one"),
        ("folders:", "folders: found nothing; allowed: a list"),
        ("folders: {path: /a}", "folders: found a mapping; allowed: a list"),
    ],
)
def test_a_configuration_watches_something(config, text, problem):
    """A list that slipped out of its place must not look like an idle daemon."""
    assert problem in config.problem(f"{config.mvsep}{text}")
