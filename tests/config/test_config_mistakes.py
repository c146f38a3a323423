"""What people write who have not read the manual: each is met with a sentence that says how to mend it."""

import pytest

FOLDER = "folders: [{path: /music/drop, sep_type: 40}]\n"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("include: wav", 'include: found "wav", which fits no file: write "*.wav"'),
        ("include: [.FLAC, mp3]", 'include: found ".FLAC", which fits no file: write "*.flac"'),
        ("include: []", "include: found an empty list, which fits no file; allowed: a list of globs"),
        ("match: []", "match: found an empty list, which fits no file"),
        ("match: [/music/drop/live/*]", "which fits no file: write the path below the watched folder, as in live/*"),
        ("exclude: ['./drafts/**']", "which fits no file: write the path below the watched folder"),
        ("add_opt1: 81", "add_opt1: unknown key here; it belongs under options"),
        ("output: 'smb://nas/stems'", "a URL is no path; mount the share, and write where it is mounted"),
        ("output: 'D:\\Stems'", "a drive of Windows is no path here"),
        ("output: '/music/*'", "a path names one folder or file; globs go to include, exclude and match"),
        ("output: '/music/stems '", "a path does not begin or end with a space"),
        ("source: {move: ' /music/done'}", "a path does not begin or end with a space"),
        ("rules: {sep_type: 40}", 'rules: found a mapping; allowed: a list, each item of which begins with "- "'),
    ],
)
def test_a_folder_that_would_do_nothing_or_something_else_is_refused(config, keys, says):
    """It would be waited for, in vain."""
    assert says in "\n".join(config.problems(f"{config.mvsep}folders: [{{path: /music/drop, sep_type: 40, {keys}}}]"))


@pytest.mark.parametrize("keys", ["include: take-five.wav", "match: ['wav/*']", "exclude: [drafts, 'live/mp3']"])
def test_globs_that_look_odd_and_fit_something_are_taken(config, keys):
    """One file's name, or a folder that is called like an extension."""
    assert config.folder(keys).name == "drop"


@pytest.mark.parametrize(
    ("top", "says"),
    [
        ("limits: {max_size: 0B}", 'limits.max_size: found "0B"; allowed: more than 0, auto, or null'),
        ("limits: {max_duration: 0}", "limits.max_duration: found 0; allowed: more than 0, auto, or null"),
        ("schedule: {rescan: 0.001}", "schedule.rescan: found 0.001; allowed: 1 or more"),
        ("state: /", "state: / is a folder; name a file, such as /mvsep-watch.sqlite3"),
        ("state: /var/lib/x/", "is a folder; name a file, such as /var/lib/x/mvsep-watch.sqlite3"),
        ("\u00a0limits: {}", "unknown key, with a space in it that is no plain one; type the spaces of this line anew"),
        ("limits: {max_siz:1MB}", "limits.max_siz:1MB: unknown key"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(config, top, says):
    """It would stop everything, or never let go of a core."""
    assert says in "\n".join(config.problems(f"{config.mvsep}{top}\n{FOLDER}"))


@pytest.mark.parametrize(
    ("top", "says"),
    [
        (
            f"limits: {{upload: 200KB/s}}\n{FOLDER}",
            'limits.upload: unknown key; did you mean "uploads" or "upload_rate"?',
        ),
        (f"limits: {{uploadz: many}}\n{FOLDER}", 'limits.uploadz: unknown key; did you mean "uploads"?'),
        ('folders: [{path: "\\ud800", sep_type: 40}]\n', '"; allowed: text'),
    ],
)
def test_what_may_be_meant_is_named_and_nothing_of_it_assumed(config, top, says):
    """Where several words may be, the value is not held against one of them."""
    problems = config.problems(config.mvsep + top)

    assert says in problems[0]
    assert len(problems) == 1 + ("many" in top)


def test_a_token_that_is_a_number_is_told_once(config):
    """It is there, and so it is not missing as well."""
    assert "mvsep.token: found a value; allowed: text" in config.problem(f"mvsep: {{token: 12345}}\n{FOLDER}")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("timeout: 0.001", "mvsep.timeout: found 0.001; allowed: 0.1 or more"),
        ("poll: {min: 0.001, max: 1}", "mvsep.poll.min: found 0.001; allowed: 0.01 or more"),
        ("reconcile: {window: 5s}", "mvsep.reconcile: interval is longer than window"),
        ("base_url: 'https://mvsép.com'", "a host is written in ASCII"),
        ("base_url: 'https://mvsep.com.'", "without a dot at its end"),
    ],
)
def test_a_service_that_cannot_be_meant_is_refused(config, keys, says):
    """A host that only looks like the service would get the token; one problem is told once."""
    assert says in config.problem(f"mvsep: {{token: '${{MVSEP_API_TOKEN}}', {keys}}}\n{FOLDER}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mvsep:\n\ttoken: x\n", "2:1: this is not YAML: a line is indented with a tab; use spaces"),
        (
            "mvsep:\n  token:abc\n" + FOLDER,
            "mvsep: found a value; allowed: a mapping of keys such as token and token_file, or null; a colon",
        ),
        ("folders:\n  - path: /a\n  - sep_type: 40\n", 'a line that begins with "- " begins another folder'),
        (
            "folders:\n  path: /a\n  sep_type: 40\n",
            'found a mapping; allowed: a list, each item of which begins with "- "',
        ),
    ],
)
def test_yaml_that_is_only_almost_right_is_explained(config, text, says):
    """Indentation, spaces and dashes are where YAML is hard."""
    assert says in "\n".join(config.problems(text, environ={}))
