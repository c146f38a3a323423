"""Holds the rules against a catalogue: models, options and stems that it does not know. Pure; `check` shows the result.

The configuration itself is valid without it: the catalogue changes on the service's side, and a rule that fits no more
holds its jobs, not the daemon. Globs that look as if something else was meant are told as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mvsep_watch.config.problems import did_you_mean
from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Catalogue, Config, Rule
from mvsep_watch.options import describe, near_matches, resolve_model, why_unfit
from mvsep_watch.planner import settings_of
from mvsep_watch.wanted import AUDIO


def check_models(
    config: Config,
    catalogue: Catalogue,
    *,
    known: Catalogue | None = None,
    places: Mapping[tuple[str, str, str], str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Say what of the rules the catalogue does not know, one sentence each, with near matches.

    Args:
        config: The configuration.
        catalogue: The packaged catalogue, or the service's own.
        known: Models that were listed once, for the hints.
        places: What to begin each sentence with, by the names of folder, rule and key.
    """
    return tuple(
        f'{places.get((folder.name, rule.name, key), "")}folder "{folder.name}", rule "{rule.name}": {problem}'
        for folder in config.folders
        for rule in folder.rules
        for key, problem in _problems(rule, catalogue, known)
    )


def odd_globs(config: Config) -> Iterator[str]:
    """Say which globs fit only a file of that very name, without an extension: more likely a folder was meant."""
    for folder in config.folders:
        lists = (("include", folder.include), ("exclude", folder.exclude), *(("match", r.match) for r in folder.rules))
        for key, glob in dict.fromkeys((key, glob) for key, globs in lists for glob in globs):
            if glob != AUDIO and not re.search(r"[*?\[./]", glob):
                yield (
                    f'folder "{folder.name}": {key} has "{glob}", which fits only files of that very name; '
                    f'"{glob}/**" is what is in such a folder{did_you_mean(glob, [AUDIO])}'
                )


def _problems(rule: Rule, catalogue: Catalogue, known: Catalogue | None) -> list[tuple[str, str]]:
    """Give what is wrong with a rule, each with the key that says it."""
    try:
        algorithm = resolve_model(rule.sep_type, catalogue, known=known)
    except RequestRefusedError as error:
        return [("sep_type", _sentence(error))]
    problems = [("stems", problem) for problem in _stem_problems(rule, algorithm)]
    if unfit := why_unfit(algorithm, rule.input):
        problems.append(("sep_type", f"model {describe(algorithm)} {unfit}"))
    try:
        settings_of(rule, catalogue, known=known)
    except RequestRefusedError as error:
        problems.insert(0, ("options" if rule.options else "sep_type", _sentence(error)))
    return problems


def _stem_problems(rule: Rule, algorithm: Algorithm) -> list[str]:
    known = _stems(algorithm)
    folded = {stem.casefold() for stem in known}
    unknown = [stem for stem in rule.stems or () if known and stem.casefold() not in folded]
    return [_unknown_stem(stem, known, algorithm) for stem in unknown]


def _stems(algorithm: Algorithm) -> list[str]:
    """Give every slug and label that some choice of options may produce; empty where the catalogue does not say."""
    return list(dict.fromkeys(word for table in algorithm.stem_tables for pair in table.items() for word in pair))


def _unknown_stem(stem: str, known: list[str], algorithm: Algorithm) -> str:
    near = near_matches(stem, known)
    suggestion = f'; did you mean "{near[0]}"?' if near else f"; it has {', '.join(known)}"
    return f'model {describe(algorithm)} lists no stem "{stem}"{suggestion}'


def _sentence(error: RequestRefusedError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message
