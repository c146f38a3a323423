from itertools import pairwise

import pytest

from mvsep_watch.config import load
from mvsep_watch.errors import ConfigError

LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{key}: &{key} [{','.join([f'*{before}'] * 9)}]\n" for before, key in pairwise("abcdefg")
)
FOLDERS = "folders: [{path: /music/drop, sep_type: 40}]\n"


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("22:00", 'write "22:00" in quotes'),
        ("9:05", 'write "9:05" in quotes'),
        ("08:30", 'write "08:30" in quotes'),
        ("1:30:00", 'write "1:30:00" in quotes'),
        ("010", 'write "010" in quotes for text, or the number'),
        ("0x1F", 'write the number in decimal, or "0x1F" in quotes'),
        ("0o17", 'write the number in decimal, or "0o17" in quotes'),
        ("1_000", 'write the number without "_", or "1_000" in quotes'),
        ("1e3", 'write a plain number, or "1e3" in quotes'),
        (".inf", 'write a plain number, or ".inf" in quotes'),
        ("2024-01-31", 'write "2024-01-31" in quotes'),
        ("no", 'write false, or "no" in quotes'),
        ("Off", 'write false, or "Off" in quotes'),
        ("yes", 'write true, or "yes" in quotes'),
        ("ON", 'write true, or "ON" in quotes'),
        ("9" * 30, "in quotes"),
    ],
)
def test_a_word_that_yaml_versions_read_differently_is_refused(config, written, advice):
    """Text, number or truth value: nobody should have to know which YAML this is."""
    problem = config.problem(f"{config.mvsep}state: {written}\n{FOLDERS}")

    assert problem.startswith(f"2:8: state: found {written} without quotes;")
    assert advice in problem


@pytest.mark.parametrize("written", ["22:00", "no", "010", "2024-01-31", "true", "null", "40", "~x", "a: b"])
def test_quotes_make_text_of_anything(config, written):
    """The advice to quote works."""
    folder = config.folder(f'options: {{Text prompt: "{written}"}}')

    assert folder.rules[0].options == (("Text prompt", written),)


def test_a_trap_as_a_key_is_refused(config):
    """An option called Yes needs its quotes too."""
    problem = config.problem(f"{config.mvsep}folders:\n- path: /a\n  sep_type: 40\n  options: {{Yes: 1}}")

    assert problem.startswith("5:13: folders[0].options.Yes: found Yes without quotes;")


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "1:1", "the file is empty"),
        ("# nothing but a remark\n", "1:1", "the file is empty"),
        ("- path: /a\n", "1:1", "found a list; a configuration is a mapping of keys"),
        ("drop\n", "1:1", "found a single value; a configuration is a mapping"),
        ("folders: [\n", "2:1", "this is not YAML: a [ or { is not closed before the end of the file"),
        ("mvsep: {token: x\nfolders: y\n", "2:8", "the { on line 1 is not closed before this"),
        ("a: 'x\nb: 1\n", "3:1", "the quotation mark on line 1 is not closed before this"),
        ("f:\n  - a: 1\n   b: 2\n", "3:4", "the line begins in another column than those it belongs with"),
        ("f:\n  - a: 1\n  b: 2\n", "3:3", "the line begins in another column than those it belongs with"),
        ("f:\n  - a: b\n      c: 2\n", "3:8", "a key that is indented further than the one above it"),
        ("mvsep:\ntoken x\nfolders:\n", "2:1", "a key needs a colon and a space after it"),
        ("a: 1\n\tb: 2\n", "2:1", "this is not YAML"),
        ("folders:\n- path: /a\n  match: *.wav\n", "3:11", "text that begins with *"),
        ("folders:\n- path: /a\n  layout: {rel}/{name}\n", "3:16", "needs quotes"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document begins here"),
        (b"a: 1\nb: \xff\n", "2:4", "not UTF-8"),
        ("a: 1\nb: \x07\n", "2:4", "U+0007"),
        ("[" * 1200, "1:1", "nested too deeply"),
        ("a: &x {b: *x}\n", "1:4", "refers to what it stands in"),
        (LAUGHS, "1:1", "unfold into more than 20000 values"),
        ("a: !!python/object:os.system {}\n", "1:4", "tags"),
        ("? [a]\n: 1\n", "1:3", "found a list as a key"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_configuration_is_refused_with_its_place(config, text, where, what):
    """Line and column, also where there is nothing to hang a key on."""
    problems = config.problems(text)

    assert [problem for problem in problems if problem.startswith(f"{where}: ") and what in problem]


def test_a_key_given_twice_is_refused_and_says_where_the_first_is(config):
    """The last would win in silence, and nobody would know which counts."""
    problem = config.problem(f"{config.mvsep}{FOLDERS}state: a\nstate: b\n")

    assert problem == "4:1: state: the key is given twice, first on line 3"


def test_aliases_are_followed(config):
    """They are plain YAML, and do no harm in moderation."""
    loaded = config.load(
        f"{config.mvsep}folders:\n"
        "- {path: /a, sep_type: 40, match: &globs ['*.wav', 'live/*']}\n"
        "- {path: /b, sep_type: 40, match: *globs}\n"
    )

    assert loaded.folders[1].rules[0].match == ("*.wav", "live/*")


def test_merge_keys_are_refused_and_point_to_defaults(config):
    """What they would override, and in which order, is nobody's common knowledge."""
    text = f"{config.mvsep}folders:\n- &a {{path: /a, sep_type: 40}}\n- {{<<: *a, path: /b, sep_type: 40}}\n"

    assert "merge keys are not allowed" in config.problem(text)


def test_a_byte_order_mark_is_nothing(config):
    """Editors of other systems write one."""
    assert config.load(b"\xef\xbb\xbf" + f"{config.mvsep}{FOLDERS}".encode()).folders[0].name == "drop"


@pytest.mark.parametrize("section", ["limits:", "limits: {credits: }", "limits: null", "schedule:", "defaults:"])
def test_a_section_without_anything_is_as_good_as_none(config, section):
    """All its keys may have been commented out."""
    written = config.load(f"{config.mvsep}{section}\n{FOLDERS}")

    assert written == config.load(f"{config.mvsep}{FOLDERS}")


def test_a_value_without_anything_is_refused(config):
    """An unfinished line is no decision to have no limit."""
    problem = config.problem(f"{config.mvsep}{FOLDERS}limits: {{credits: {{approve_batch_above: }}}}\n")

    assert problem == "3:40: limits.credits.approve_batch_above: found nothing; allowed: a whole number, or null"


def test_a_missing_file_a_folder_and_a_huge_file_are_said_to_be_so(config, tmp_path):
    """What cannot be read is a clear error, not a traceback."""
    huge = config.write(b"#" * (2**20 + 1))

    with pytest.raises(ConfigError, match=r"nothing\.yaml cannot be read: No such file"):
        load(tmp_path / "nothing.yaml", environ={})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, environ={})
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(huge, environ={})
