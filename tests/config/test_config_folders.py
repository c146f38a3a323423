from pathlib import Path

import pytest

from mvsep_watch.config.crosscheck import _is_inside
from mvsep_watch.model import AS_MADE, Access

A = "{path: /a, sep_type: 40"


def folders(*written, top=""):
    return "mvsep: {token: '${MVSEP_API_TOKEN}'}\n" + top + "folders:\n" + "".join(f"- {one}\n" for one in written)


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        ("name: d d", "name", "d d"),
        ("recursive: false", "recursive", False),
        ("include: '*.wav'", "include", ("*.wav",)),
        ("include: [audio, 'x/*']", "include", ("audio", "x/*")),
        ("exclude: [b, a]", "exclude", ("b", "a")),
        ("settle: 0.5s", "settle_s", 0.5),
        ("watch: poll", "watch", "poll"),
        ("existing: skip", "existing", "skip"),
        ("output: /o", "output", Path("/o")),
        ("output: ~/o", "output", Path("/home/u/o")),
        ("layout: '{folder}/{name}.{ext}.{sha8}'", "layout", "{folder}/{name}.{ext}.{sha8}"),
        ("publish: flat", "publish", "flat"),
        ("tags: false", "tags", False),
        ("umask: '027'", "access", Access(umask=0o027)),
        ("umask: '0002'", "access", Access(umask=0o002)),
        ("owner: root", "access", Access(user=0)),
        ("owner: 'root:54321'", "access", Access(user=0, group=54321)),
        ("owner: ':root'", "access", Access(group=0)),
        ("owner: null, umask: null", "access", AS_MADE),
        ("source: delete", "source", "delete"),
        ("notes: true", "notes", True),
        ("source: {move: /done}", "source", Path("/done")),
    ],
)
def test_a_folder_says_what_is_done_with_it(config, keys, name, value):
    """Every key arrives."""
    assert getattr(config.folder(keys), name) == value


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        ("match: '*.wav'", "match", ("*.wav",)),
        ("match: [a, b]", "match", ("a", "b")),
        ("options: {add_opt1: 81, Overlap: '50%'}", "options", (("add_opt1", "81"), ("Overlap", "50%"))),
        ("format: flac24", "output_format", 5),
        ("format: 4", "output_format", 4),
        ("stems: all", "stems", None),
        ("stems: [Vocals, ' Lead Guitar ']", "stems", ("vocals", "lead guitar")),
        ("input: file", "name", "default"),
        ("priority: -3", "priority", -3),
        ("demo: true", "demo", True),
    ],
)
def test_the_keys_of_a_single_rule_stand_on_the_folder(config, keys, name, value):
    """The usual case needs no list."""
    assert getattr(config.folder(keys).rules[0], name) == value


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("name: a/b", 'found "a/b"; allowed: a name without /'),
        ("name: ..", "allowed: a name without /"),
        ("name: 7", "found 7; allowed: a name without / and control characters, or null"),
        ("recursive: 1", "found 1; allowed: true or false"),
        ("include: [1]", "found 1 in the list; allowed: a list of globs"),
        ("include: ['']", 'found "" in the list; allowed: a list of globs'),
        ("settle: fast", 'found "fast"; allowed: a duration'),
        ("watch: event", 'allowed: auto, events, or poll; did you mean "events"?'),
        ("existing: proces", 'did you mean "process"?'),
        ("publish: flatt", 'found "flatt"; allowed: folder, or flat; did you mean "flat"?'),
        ("tags: title", 'found "title"; allowed: true or false'),
        ("umask: 022", 'a leading zero makes it octal; write "022" in quotes for text, or the number without it'),
        ("umask: 22", 'found 22; allowed: a mask of three octal digits in quotes, such as "022", or null'),
        ("umask: '1022'", "allowed: a mask of three octal digits in quotes"),
        ("umask: '029'", "allowed: a mask of three octal digits in quotes"),
        ("owner: 1000", 'found 1000; allowed: "user", "user:group" or ":group"'),
        ("owner: 'root:'", 'allowed: "user", "user:group" or ":group"'),
        ("owner: nobody-by-this-name", 'there is no user "nobody-by-this-name" on this machine'),
        ("owner: ':nobody-by-this-name'", 'there is no group "nobody-by-this-name" on this machine'),
        ("source: move", 'found "move"; allowed: keep, delete or {move: PATH}'),
        ("source: {mvoe: /x}", "found a mapping; allowed: keep, delete or {move: PATH}"),
        ("source: {move: '${NOPE}/x'}", "the environment variable NOPE is not set"),
        ("output: ''", 'found ""; allowed: text that is not empty'),
        ("output: ~nobody-by-this-name/x", "the home folder of nobody-by-this-name is not known"),
        (r'output: "a\0b"', "cannot hold the character NUL"),
        ("layout: '{artist}/{name}'", "found the placeholder {artist}; allowed: {rel}, {name}, {rule}"),
        ("layout: '{name!r}'", "found the placeholder {name}"),
        ("layout: '{}'", "found the placeholder {}"),
        ("layout: '{name'", "the braces do not pair"),
        ("layout: '/{name}'", "a relative pattern without .."),
        ("layout: '~/{name}'", "a relative pattern without .."),
        ("layout: '{rel}/../{name}'", "a relative pattern without .."),
        ("layout: '{rel}'", "would be the output folder itself"),
        ("layout: ' '", "a pattern such as"),
        ("match: 3", "found 3; allowed: a list of globs"),
        ("format: ogg", 'found "ogg"; allowed: mp3, wav, flac, m4a, wav32, flac24, or 0 to 5'),
        ("format: FLAC", 'did you mean "flac"?'),
        ("format: 6", "found 6; allowed: mp3"),
        ("format: true", "found true; allowed: mp3"),
        ('format: "2"', 'found "2"; allowed: mp3'),
        ("stems: vocals", "allowed: all, or a list of labels"),
        ("stems: []", "allowed: all, or a list of labels"),
        ("input: pair", "input: pair needs a reference"),
        ("input: fiel", 'found "fiel"; allowed: file, link, text, pair; did you mean "file"?'),
        ("reference: /r.wav", "a reference goes with input: pair only, and the input is file"),
        ("priority: high", 'found "high"; allowed: a whole number'),
        ("demo: 'true'", 'found "true"; allowed: true or false'),
        ("options: [a]", "found a list; allowed: a mapping"),
        ("options: {a: true}", "folders[0].options.a: found true; allowed: text, or a whole number"),
        ("options: {a: 0.5}", "folders[0].options.a: found 0.5; allowed: text, or a whole number"),
        ("rules: []", "found an empty list; allowed: at least one"),
        ("rules: [a]", 'found "a"; allowed: a mapping of keys such as name and sep_type'),
        ("rules: {sep_type: 3}", "found a mapping; allowed: a list"),
    ],
)
def test_a_wrong_value_of_a_folder_is_told_with_what_is_allowed(config, keys, problem):
    """Before anything is watched."""
    assert problem in "\n".join(config.problems(folders(f"{A}, {keys}}}")))


@pytest.mark.parametrize(
    ("sep_type", "problem"),
    [
        ("", "folders[0].sep_type: the model is missing"),
        ("sep_type: ", "folders[0].sep_type: found nothing"),
        ("sep_type: null", "folders[0].sep_type: the model is missing"),
        ("sep_type: '40'", "found a number in quotes: write it without them"),
        ("sep_type: -1", "found -1; allowed: the model's number, such as 40, or its name"),
        ("sep_type: 4.5", "found 4.5; allowed: the model's number"),
        ("sep_type: ' '", "allowed: the model's number"),
        ("sep_tpye: 40", 'folders[0].sep_tpye: unknown key; did you mean "sep_type"?'),
    ],
)
def test_the_model_is_always_said(config, sep_type, problem):
    """No default: it decides what is paid."""
    told = config.problem(folders(f"{{path: /a, {sep_type}}}"))

    assert (problem in told, "null" in told) == (True, False)


def test_a_model_may_be_said_by_name(config):
    """It is kept as written; the catalogue decides later."""
    folder = config.load(folders("{path: /a, sep_type: BS Roformer}")).folders[0]

    assert folder.rules[0].sep_type == "BS Roformer"


@pytest.mark.parametrize(("publish", "layout"), [("folder", "{rel}/{name}/{rule}"), ("flat", "{rel}/{name} [{rule}]")])
def test_several_rules_share_a_folder_and_do_not_meet_in_it(config, publish, layout):
    """The layout follows the number of rules, and the way in which outputs are published."""
    rules = "[{name: x-1, sep_type: 1}, {name: Y_2, sep_type: 2}]"
    folder = config.load(folders(f"{{path: /a, publish: {publish}, rules: {rules}}}")).folders[0]

    assert [(rule.name, rule.sep_type) for rule in folder.rules] == [("x-1", 1), ("Y_2", 2)]
    assert folder.layout == layout


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("rules: [{sep_type: 1}, {sep_type: 2}]", 'rules[1].name: the name "default" is taken by rules[0]'),
        ("rules: [{name: a, sep_type: 1}, {name: a, sep_type: 2}]", 'the name "a" is taken by rules[0]'),
        ("rules: [{name: a b, sep_type: 1}]", 'found "a b"; allowed: a name of letters, digits, - and _'),
        ("rules: [{name: a}]", "folders[0].rules[0].sep_type: the model is missing"),
        ("rules: [{sep_type: 1}], format: flac", "folders[0].format: stands beside `rules`"),
        ("rules: [{sep_type: 1, settle: 3s}]", "unknown key here; it belongs under defaults, or folders"),
        (
            "layout: '{name}', rules: [{name: a, sep_type: 1}, {name: b, sep_type: 2}]",
            'folders[0].layout: found "{name}" for a folder with 2 rules; it must hold {rule}',
        ),
    ],
)
def test_rules_that_would_meet_are_refused(config, written, problem):
    """Names and output folders tell them apart."""
    assert problem in config.problem(folders(f"{{path: /a, {written}}}"))


def test_defaults_go_for_every_folder_and_rule_that_does_not_say_otherwise(config):
    """What a folder or rule says replaces them, lists too."""
    loaded = config.load(
        folders(
            "{path: /a}",
            "{path: /b, format: wav, include: ['*.wav'], settle: 1s}",
            "{path: /c, rules: [{name: x, priority: 1}, {name: y, format: 0}]}",
            top="defaults: {sep_type: 40, options: {Overlap: 8}, format: flac, include: [audio, '*.x'], settle: 9s,"
            " layout: '{rule}/{name}'}\n",
        )
    )
    a, b, c = loaded.folders

    assert (a.include, a.settle_s, a.layout) == (("audio", "*.x"), 9.0, "{rule}/{name}")
    assert (b.include, b.settle_s) == (("*.wav",), 1.0)
    assert [(rule.sep_type, rule.output_format) for rule in (*a.rules, *b.rules)] == [(40, 2), (40, 1)]
    assert [(rule.name, rule.output_format, rule.priority) for rule in c.rules] == [("x", 2, 1), ("y", 0, 0)]
    assert {rule.options for folder in loaded.folders for rule in folder.rules} == {(("Overlap", "8"),)}


def test_options_of_the_defaults_are_for_the_model_of_the_defaults(config):
    """The same add_opt1 means something else to another model, and would be paid for."""
    loaded = config.load(folders("{path: /a, sep_type: 20}", top="defaults: {sep_type: 40, options: {add_opt1: 81}}\n"))

    assert loaded.folders[0].rules[0].options == ()


@pytest.mark.parametrize(
    ("defaults", "problem"),
    [
        ("options: {add_opt1: 81}", "defaults.options: options stand without the sep_type that they are for"),
        ("path: /x", "defaults.path: unknown key here; it belongs under folders"),
        ("rules: []", "defaults.rules: unknown key here; it belongs under folders"),
        ("format: flacc", 'defaults.format: found "flacc"'),
        ("layout: '{x}'", "defaults.layout: found the placeholder {x}"),
        ("output: /a/out", "defaults.output: the output /a/out is inside the watched folder /a"),
    ],
)
def test_a_problem_of_the_defaults_is_told_once_and_there(config, defaults, problem):
    """However many folders inherit it."""
    assert problem in config.problem(folders(f"{A}}}", top=f"defaults: {{{defaults}}}\n"))


def test_a_wrong_model_of_the_defaults_is_no_missing_model(config):
    """A follow-on of a reported problem is noise."""
    problem = config.problem(folders("{path: /a}", "{path: /b}", top="defaults: {sep_type: -1}\n"))

    assert problem.startswith("2:22: defaults.sep_type: found -1")


@pytest.mark.parametrize(
    ("one", "two", "problem"),
    [
        ("{path: /a/drop", "{path: /b/drop", '[1].name: the name "drop" is taken by the folder /a/drop'),
        ("{path: /a, name: x", "{path: /b, name: x", '[1].name: the name "x" is taken'),
        ("{path: /a", "{path: /a/, name: x", "[1].path: /a is watched already"),
        ("{path: /a", "{path: /b/../a, name: x", "[1].path: /a is watched already"),
        ("{path: /a, output: /b/out", "{path: /b", "[0].output: the output /b/out is inside the watched folder /b"),
        ("{path: /a, output: /b", "{path: /b", "[0].output: the output /b is inside the watched folder /b"),
        ("{path: /a", "{path: /a-stems, output: /o", "the output /a-stems is inside the watched folder /a-stems"),
        ("{path: /a, output: /o", "{path: /o/b, output: /p", "[1].path: the watched folder /o/b is inside /o"),
        ("{path: /a, output: /a", "{path: /b", "[0].output: the output /a is inside the watched folder /a"),
        ("{path: /a, source: {move: /b/x}", "{path: /b", "[0].source: sources would be moved to /b/x, inside"),
        ("{path: /a, source: {move: /a/x}", "{path: /b", "[0].source: sources would be moved to /a/x, inside"),
        ("{path: /a, source: {move: /a-stems/x}", "{path: /b", "moved to /a-stems/x, inside the output /a-stems"),
    ],
)  # fmt: skip
def test_folders_that_are_in_each_others_way_are_refused(config, one, two, problem):
    """Stems in a watched folder would be separated again, and paid for."""
    assert problem in config.problem(folders(f"{one}, sep_type: 1}}", f"{two}, sep_type: 1}}"))


def test_one_watched_folder_may_lie_in_another(config):
    """With rules of its own, and outputs elsewhere."""
    loaded = config.load(folders("{path: /a, sep_type: 1}", "{path: /a/b, sep_type: 2, output: /o}"))

    assert [folder.name for folder in loaded.folders] == ["a", "b"]


def test_two_ways_to_one_folder_are_seen_to_be_one(config, tmp_path):
    """Symbolic links are resolved before folders are compared, and in the values."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    problem = config.problem(folders("{path: real, sep_type: 1}", "{path: link, sep_type: 1}"))
    loaded = config.load(folders("{path: link, sep_type: 1}")).folders[0]

    assert f"{tmp_path / 'real'} is watched already" in problem
    assert (loaded.name, loaded.path, loaded.output) == ("link", tmp_path / "real", tmp_path / "link-stems")
    assert loaded.links == ((tmp_path / "link", tmp_path / "real"),)


def test_an_output_that_a_link_leads_into_a_watched_folder_is_refused(config, tmp_path):
    """The stems would land there whatever the path looks like."""
    (tmp_path / "drop" / "in").mkdir(parents=True)
    (tmp_path / "out").symlink_to("drop/in")

    assert "is inside the watched folder" in config.problem(folders("{path: drop, sep_type: 1, output: out}"))


def test_a_loop_of_links_is_a_problem_and_no_crash(config, tmp_path):
    """It leads nowhere."""
    (tmp_path / "loop").symlink_to("loop")

    assert "the path cannot be used" in config.problem(folders("{path: loop, sep_type: 1}"))


def test_relative_paths_start_from_the_file(config, tmp_path):
    """Not from the folder that the command was started in."""
    loaded = config.load(folders("{path: drop, sep_type: 1, output: ./x/../o, source: {move: done}}")).folders[0]

    assert (loaded.path, loaded.output, loaded.source) == (tmp_path / "drop", tmp_path / "o", tmp_path / "done")


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("${A}/x", "/env/x"),
        ("~/x", "/home/u/x"),
        ("~", "/home/u"),
        ("/x/$$y", "/x/$y"),
        ("/x/~y", "/x/~y"),
        ("${B}", "/${A}"),
    ],
)
def test_paths_expand_once(config, written, path):
    """A value is not looked through for further variables."""
    environ = {"MVSEP_API_TOKEN": "t", "HOME": "/home/u", "A": "/env", "B": "/${A}"}
    loaded = config.load(folders(f"{{path: '{written}', sep_type: 1, name: x, output: /o}}"), environ=environ)

    assert str(loaded.folders[0].path) == path


def test_the_root_needs_a_name_and_can_have_no_output(config):
    """Everything would be inside of it."""
    problems = config.problems(folders("{path: /, sep_type: 1}"))

    assert "the path / has no last part" in problems[0] + problems[1]
    assert "inside the watched folder /" in problems[0] + problems[1]


def test_a_folder_that_is_not_there_is_no_problem(config):
    """It may be mounted later."""
    assert config.load(folders("{path: /not/mounted/yet, sep_type: 1}")).folders[0].name == "yet"


def test_a_folder_is_inside_itself_and_its_parents_but_not_beside(config):
    """Names that begin alike are not inside one another."""
    assert _is_inside(Path("/a"), Path("/a"))
    assert _is_inside(Path("/a/b/c"), Path("/a"))
    assert not _is_inside(Path("/ab"), Path("/a"))
