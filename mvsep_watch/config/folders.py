"""Turns the written folders into the ones in force: defaults filled in, paths made absolute, rules in one form.

It resolves symbolic links, so that two ways to one folder are seen to be one, and looks owners up by their names. A
rule's keys come from the rule, else from `defaults`; only `options` go with the model: who names `sep_type` names the
options as well, since one model's options mean something else to another.
"""

from __future__ import annotations

import grp
import json
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvsep_watch.config.expand import Expander
from mvsep_watch.config.fields import is_folder_name, layout_placeholders
from mvsep_watch.config.models import FolderKeys, FolderSection, RuleKeys, RuleSection
from mvsep_watch.config.problems import Keys, Report
from mvsep_watch.model import Access, Folder, InputKind, Rule
from mvsep_watch.wanted import AUDIO, LINK_EXTENSIONS, TEXT_EXTENSIONS

DEFAULT_LAYOUT = "{rel}/{name}"
DEFAULT_LAYOUT_OF_SEVERAL = {"folder": "{rel}/{name}/{rule}", "flat": "{rel}/{name} [{rule}]"}
DROPPED_AS = {
    InputKind.FILE: (AUDIO,),
    InputKind.PAIR: (AUDIO,),
    InputKind.LINK: tuple(f"*.{extension}" for extension in sorted(LINK_EXTENSIONS)),
    InputKind.TEXT: tuple(f"*.{extension}" for extension in sorted(TEXT_EXTENSIONS)),
}
"""What a folder includes by default, by its rules' inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A folder in force, and where its keys were written."""

    folder: Folder
    origin: Callable[[str], Keys]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A folder as it is written, over the defaults."""

    section: FolderSection
    defaults: FolderKeys
    keys: Keys
    defaults_given: frozenset[str]
    expander: Expander

    def get(self, key: str) -> Any:
        is_own = key in self.section.model_fields_set
        return getattr(self.section if is_own else self.defaults, key)

    def origin(self, key: str) -> Keys:
        """Give the place that a key's value comes from, also where the value there was unusable."""
        is_inherited = key not in self.section.model_fields_set and key in self.defaults_given
        return ("defaults", key) if is_inherited else (*self.keys, key)


def build(
    sections: list[FolderSection],
    defaults: FolderKeys | None,
    *,
    defaults_given: frozenset[str],
    expander: Expander,
    report: Report,
) -> list[Placed]:
    """Give the folders in force; one with a path that cannot be used is left out, and reported.

    Args:
        sections: The folders as written.
        defaults: What goes for all of them.
        defaults_given: The keys that stand in the defaults, usable or not.
        expander: For paths.
        report: Takes the problems.
    """
    defaults = defaults or FolderKeys()
    if "options" in defaults.model_fields_set and "sep_type" not in defaults_given:
        report.add(("defaults", "options"), "options stand without the sep_type that they are for")
    written = [
        _Written(
            section=section,
            defaults=defaults,
            keys=("folders", index),
            defaults_given=defaults_given,
            expander=expander,
        )
        for index, section in enumerate(sections)
    ]
    placed = [_placed(one, report) for one in written]
    return [one for one in placed if one is not None]


def _placed(written: _Written, report: Report) -> Placed | None:
    path = _path(written.section.path, (*written.keys, "path"), written.expander, report)
    rules = _rules(written, report)
    layout = _layout(written, rules, report)
    source = _source(written, report)
    output = _output(written, path, report) if path else None
    if path is None or output is None or source is None:
        return None
    places = {each: _resolved(each) for each in (path, output, source) if isinstance(each, Path)}
    folder = Folder(
        name=_name(written, path, report),
        path=places[path],
        output=places[output],
        layout=layout,
        rules=rules,
        recursive=written.get("recursive"),
        include=_include(written, rules),
        exclude=tuple(written.get("exclude")),
        settle_s=written.get("settle"),
        watch=written.get("watch"),
        existing=written.get("existing"),
        publish=written.get("publish"),
        access=_access(written, report),
        tags=written.get("tags"),
        source=places.get(source, source),
        notes=written.get("notes"),
        links=tuple((each, place) for each, place in places.items() if each != place),
    )
    return Placed(folder=folder, origin=written.origin)


def _path(text: str, keys: Keys, expander: Expander, report: Report) -> Path | None:
    if advice := _no_path(text):
        report.add(keys, f"found {json.dumps(text, ensure_ascii=False)}; {advice}")
        return None
    try:
        path = expander.path(text)
        resolved = _resolved(path)
    except (ValueError, OSError, RuntimeError) as error:
        report.add(keys, f"the path cannot be used: {error}")
        return None
    return resolved if ".." in path.parts else path


def _no_path(text: str) -> str:
    """Say how to mend a text that would make a path which nobody means; empty where nothing is known against it."""
    if text != text.strip():
        return "a path does not begin or end with a space"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return "a URL is no path; mount the share, and write where it is mounted"
    if re.match(r"[A-Za-z]:[\\/]", text):
        return "a drive of Windows is no path here; write one such as /mnt/music"
    if re.search(r"[*?]", text):
        return "a path names one folder or file; globs go to include, exclude and match"
    return ""


def _resolved(path: Path) -> Path:
    return path.resolve()


def _name(written: _Written, path: Path, report: Report) -> str:
    name: str = written.get("name") or path.name
    if not is_folder_name(name):
        report.add(
            (*written.keys, "name"), f"the path {path} has no last part that could be the folder's name: give one"
        )
    return name


def _output(written: _Written, path: Path, report: Report) -> Path | None:
    given = written.get("output")
    if given is None:
        return path.parent / f"{path.name}-stems"
    return _path(given, written.origin("output"), written.expander, report)


def _source(written: _Written, report: Report) -> Any:
    source = written.get("source")
    if not isinstance(source, dict):
        return source
    return _path(source["move"], written.origin("source"), written.expander, report)


def _access(written: _Written, report: Report) -> Access:
    user, _, group = (written.get("owner") or "").partition(":")
    return Access(
        umask=written.get("umask"),
        user=_number(user, "user", _user_number, written, report),
        group=_number(group, "group", _group_number, written, report),
    )


def _number(name: str, kind: str, look_up: Callable[[str], int], written: _Written, report: Report) -> int | None:
    if not name or name.isdecimal():
        return int(name) if name else None
    try:
        return look_up(name)
    except KeyError:
        report.add(written.origin("owner"), f'there is no {kind} "{name}" on this machine; a number needs no name')
        return None


def _user_number(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _group_number(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def _layout(written: _Written, rules: tuple[Rule, ...], report: Report) -> str:
    given: str | None = written.get("layout")
    if given is None:
        return DEFAULT_LAYOUT if len(rules) == 1 else DEFAULT_LAYOUT_OF_SEVERAL[written.get("publish")]
    if len(rules) > 1 and "rule" not in layout_placeholders(given):
        report.add(
            written.origin("layout"),
            f'found "{given}" for a folder with {len(rules)} rules; it must hold {{rule}}, or their outputs would meet',
        )
    return given


def _include(written: _Written, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Give the globs as written, else what the rules' inputs are dropped as."""
    given: list[str] | None = written.get("include")
    return tuple(given or dict.fromkeys(glob for rule in rules for glob in DROPPED_AS[rule.input]))


def _rules(written: _Written, report: Report) -> tuple[Rule, ...]:
    sections = written.section.rules
    if sections is None:
        return (_rule(written.section, "default", written, written.keys, report),)
    for key in RuleKeys.model_fields:
        if key in written.section.model_fields_set:
            report.add((*written.keys, key), "stands beside `rules`: move it into the rules it is meant for")
    _refuse_same_names(sections, written, report)
    return tuple(
        _rule(section, section.name, written, (*written.keys, "rules", index), report)
        for index, section in enumerate(sections)
    )


def _refuse_same_names(sections: list[RuleSection], written: _Written, report: Report) -> None:
    first: dict[str, int] = {}
    for index, section in enumerate(sections):
        other = first.setdefault(section.name, index)
        if other != index:
            keys = (*written.keys, "rules", index, "name")
            report.add(keys, f'the name "{section.name}" is taken by rules[{other}]; each rule needs its own')


def _rule(section: RuleKeys, name: str, written: _Written, keys: Keys, report: Report) -> Rule:
    def get(key: str) -> Any:
        return getattr(section if key in section.model_fields_set else written.defaults, key)

    sep_type = get("sep_type")
    if sep_type is None and not _is_reported(written, keys, report):
        report.add((*keys, "sep_type"), "the model is missing; write sep_type: its number or its name")
    names_model = "sep_type" in section.model_fields_set
    options = section.options if names_model else get("options")
    stems = get("stems")
    return Rule(
        name=name,
        match=tuple(get("match")),
        sep_type=0 if sep_type is None else sep_type,
        options=tuple((key, str(value)) for key, value in options.items()),
        output_format=get("format"),
        stems=None if stems == "all" else tuple(stems),
        priority=get("priority"),
        demo=get("demo"),
        input=get("input"),
        reference=_reference(get("input"), get("reference"), (*keys, "reference"), written.expander, report),
        delete_remote=get("delete_remote"),
    )


def _reference(kind: InputKind, given: str | None, keys: Keys, expander: Expander, report: Report) -> Path | None:
    if kind == InputKind.PAIR and given is None:
        report.add(keys, "input: pair needs a reference: the path of the file that the sources are to sound like")
    elif kind != InputKind.PAIR and given is not None:
        report.add(keys, f"a reference goes with input: pair only, and the input is {kind}")
    elif given is not None and (path := _path(given, keys, expander, report)):
        return _resolved(path)
    return None


def _is_reported(written: _Written, keys: Keys, report: Report) -> bool:
    """Say whether the model is only missing because of a problem that is known already."""
    inherited: Keys = ("defaults", "sep_type")
    return any(report.is_broken(at) for at in (inherited, (*written.keys, "rules"), (*keys, "sep_type")))
