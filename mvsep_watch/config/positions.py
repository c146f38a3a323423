"""Reads YAML into plain values and remembers where each of them stands.

Touches no file. It reads strictly: a key given twice, a merge key, a tag, and every unquoted word that YAML 1.1 and 1.2
read differently (`22:00`, `no`, `010`, `1_000`, a date) is a problem and never a value. PyYAML only parses; what a
plain word means is decided here, since PyYAML's own resolvers are where those traps are.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from mvsep_watch.config.problems import BLANK, START, Keys, Place, Report, is_secret

MAX_VALUES = 20_000
"""A configuration of a thousand folders stays below it; aliases that multiply each other do not."""
MAX_DIGITS = 18

_NULL = re.compile(r"~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)")
_TRAPS = (
    (re.compile(r"yes|on", re.IGNORECASE), 'some programs read it as true; write true, or "{}" in quotes for text'),
    (re.compile(r"no|off", re.IGNORECASE), 'some programs read it as false; write false, or "{}" in quotes for text'),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), 'YAML 1.1 reads it to base 60; write "{}" in quotes'),
    (
        re.compile(r"[-+]?0[0-9_]+"),
        'a leading zero makes it octal; write "{}" in quotes for text, or the number without it',
    ),
    (re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+"), 'write the number in decimal, or "{}" in quotes for text'),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_.]*"), 'write the number without "_", or "{}" in quotes for text'),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"), 'YAML reads it as a date; write "{}" in quotes'),
    (
        re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+|[-+]?\.(inf|nan)", re.IGNORECASE),
        'write a plain number, or "{}" in quotes for text',
    ),
    (re.compile(rf"[-+]?[0-9]{{{MAX_DIGITS + 1},}}"), 'the number is too long; write "{}" in quotes for text'),
)
_SIMPLE = re.compile(r"[A-Za-z0-9/$][\w./${}-]*", re.ASCII)
_DEFAULT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_QUOTES_HINT = (
    "; text that begins with * & ! { [ # % @ or ` needs quotes, and so does text with a colon and a space in it"
)

_STUMBLES = tuple(
    (re.compile(pattern), told)
    for pattern, told in (
        (r"'\\t'", "a line is indented with a tab; use spaces"),
        (
            r"^expected (<block end>|'<document start>'), but found '(<block (mapping|sequence) start>|\?|-)'",
            "the line begins in another column than those it belongs with; keys of one mapping are indented alike",
        ),
        (r"^could not find expected ':'", "a key needs a colon and a space after it"),
        (r"^expected the node content, but found '<stream end>'", "a [ or { is not closed before the end of the file"),
        (r"^but found another document", "a second document begins here; a configuration is one, without --- in it"),
        (
            r"^mapping values are not allowed here",
            f"a second colon, or a key that is indented further than the one above it{_QUOTES_HINT}",
        ),
    )
)
"""What PyYAML 6.0 says, and what it means to the one who wrote it."""
_UNCLOSED = re.compile(r"expected ',' or|unexpected end of stream")
_OPENED = {
    "while parsing a flow mapping": "{",
    "while parsing a flow sequence": "[",
    "while scanning a quoted scalar": "quotation mark",
}


class _TooMuchError(Exception):
    """The aliases of the file unfold into more values than a configuration has."""


def read(text: str, report: Report) -> Any:
    """Read a YAML text: mappings, lists, text, numbers, truth values, None, and BLANK for a key without a value.

    Args:
        text: The whole file.
        report: Takes the places of all keys and values, and the problems; a text that is no YAML, or no mapping, is
            one, and then the answer is an empty mapping.
    """
    node = _composed(text, report)
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        report.add((), f"found {_kind(node)}; a configuration is a mapping of keys: mvsep, limits, folders, …")
        return {}
    return _built(node, report)


def is_itself(word: str) -> bool:
    """Say whether a word without quotes is read as that text."""
    return _SIMPLE.fullmatch(word) is not None and _trap(word) is None and _plain(word) == word


def _composed(text: str, report: Report) -> yaml.Node | None:
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark if _is_without_colon(error) else error.problem_mark
        report.add((), f"this is not YAML: {_syntax_problem(error)}", place=_place(mark or error.context_mark))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, error.position - before.rfind("\n"))
        report.add((), f"the character U+{int(error.character):04X} is not allowed in YAML", place=place)
    except RecursionError:
        report.add((), "the values are nested too deeply")
    else:
        if node is None:
            report.add((), "the file is empty; it needs at least a token and a folder")
        return node
    return None


def _syntax_problem(error: yaml.MarkedYAMLError) -> str:
    """Say what the parser stumbled over, without the words of the file: they might be the token."""
    problem = error.problem or ""
    if told := next((told for pattern, told in _STUMBLES if pattern.search(problem)), ""):
        return told
    if (opened := _OPENED.get(error.context or "")) and error.context_mark and _UNCLOSED.search(problem):
        return f"the {opened} on line {error.context_mark.line + 1} is not closed before this"
    told = re.sub(r" '[^'<]{2,}'", "", problem)
    context = f"{error.context}: " if error.context and "'" not in error.context else ""
    return f"{context}{told}{_QUOTES_HINT}"


def _is_without_colon(error: yaml.MarkedYAMLError) -> bool:
    """Say whether a key's line lacks its colon, which is noticed on the line after it."""
    return error.problem == "could not find expected ':'"


def _built(node: yaml.Node, report: Report) -> Any:
    try:
        return _Builder(report).build(node, ())
    except (_TooMuchError, RecursionError):
        report.add((), f"the aliases of the file unfold into more than {MAX_VALUES} values")
        return {}


class _Builder:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._left = MAX_VALUES
        self._open: set[int] = set()

    def build(self, node: yaml.Node, keys: Keys) -> Any:
        self._count()
        self._report.places.of_values[keys] = _place(node.start_mark)
        if node.tag not in _DEFAULT_TAGS:
            self._report.add(keys, "tags, words that begin with an unquoted !, are not allowed")
            return BLANK
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, keys)
        return self._collection(node, keys)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError

    def _scalar(self, node: yaml.ScalarNode, keys: Keys) -> Any:
        if node.style is not None:
            return node.value
        advice = _trap(node.value)
        if advice is None:
            return _plain(node.value)
        found = "a value" if is_secret(keys) else node.value
        self._report.add(keys, f"found {found} without quotes; {advice.format(found)}")
        return BLANK

    def _collection(self, node: yaml.Node, keys: Keys) -> Any:
        if id(node) in self._open:
            self._report.add(keys, "the alias refers to what it stands in")
            return BLANK
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, keys)
            return [self.build(item, (*keys, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, keys)
            if key is None:
                continue
            if key in built:
                self._duplicate(key_node, (*keys, key))
                continue
            self._report.places.of_keys[*keys, key] = _place(key_node.start_mark)
            built[key] = self.build(value_node, (*keys, key))
        return built

    def _key(self, node: yaml.Node, keys: Keys) -> str | None:
        self._count()
        place = _place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _DEFAULT_TAGS:
            self._report.add_key((*keys, "?"), f"found {_kind(node)} as a key; a key is a word", place=place)
            return None
        if node.style is None and node.value == "<<":
            text = "merge keys are not allowed; what folders share goes to `defaults`"
            self._report.add_key((*keys, "<<"), text, place=place)
            return None
        if node.style is None and (advice := _trap(node.value)):
            text = f"found {node.value} without quotes; {advice.format(node.value)}"
            self._report.add_key((*keys, str(node.value)), text, place=place)
            return None
        return str(node.value)

    def _duplicate(self, node: yaml.Node, keys: Keys) -> None:
        first = self._report.places.of_keys[keys]
        text = f"the key is given twice, first on line {first.line}"
        self._report.add_key(keys, text, place=_place(node.start_mark))


def _trap(word: str) -> str | None:
    return next((advice for pattern, advice in _TRAPS if pattern.fullmatch(word)), None)


def _plain(word: str) -> Any:
    """Give the value of a plain word, by the few patterns on which all versions of YAML agree."""
    if not word:
        return BLANK
    if _NULL.fullmatch(word):
        return None
    if _TRUE.fullmatch(word) or _FALSE.fullmatch(word):
        return word.lower() == "true"
    if _INT.fullmatch(word):
        return int(word)
    return float(word) if _FLOAT.fullmatch(word) else word


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def _place(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else START
