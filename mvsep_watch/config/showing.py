"""What is in force, value by value, and where each comes from: what `config show` prints.

No token is among them, and no address that is a secret itself.

The values are written as a configuration would have them, and are one: read again they mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvsep_watch.config import units
from mvsep_watch.config.credentials import CREDENTIAL, has_credential
from mvsep_watch.config.expand import is_only_variables
from mvsep_watch.config.folders import Placed
from mvsep_watch.config.load import Examined, examine
from mvsep_watch.config.models import (
    SECTIONS,
    FolderKeys,
    LimitsSection,
    MetricsSection,
    MvsepSection,
    NotifySection,
    PingSection,
    RuleKeys,
    ScheduleSection,
    Section,
)
from mvsep_watch.config.problems import BLANK, Keys, is_secret
from mvsep_watch.model import FORMATS, Access, Folder, Rule

DEFAULT = "default"
STAND_IN = "${MVSEP_API_TOKEN}"
"""Written for a token that stands in the file in plain words."""
ADDRESS_STAND_IN = "${MVSEP_WATCH_ADDRESS}"
"""Likewise for an address."""
PATHS = ("token_file", "file")
_SIZES = {"spool"}
_VARIABLE = re.compile(r"(?<!\$)\$\{\w+\}")


@dataclass(frozen=True, slots=True)
class InForce:
    """One value as a configuration would have it, and where it comes from."""

    keys: Keys
    value: Any
    origin: str


def in_force(path: Path, *, environ: Mapping[str, str]) -> tuple[InForce, ...]:
    """Give everything that a configuration says or leaves to its defaults, in the order of the example.

    Raises:
        ConfigError: It cannot be used; a token that is missing just here is no problem.
    """
    examined = examine(path, environ=environ, needs_token=False)
    examined.report.raise_if_any()
    return tuple(_Origins(examined, environ).all())


class _Origins:
    def __init__(self, examined: Examined, environ: Mapping[str, str]) -> None:
        assert examined.config is not None
        self._examined = examined
        self._config = examined.config
        self._environ = environ

    def all(self) -> Iterator[InForce]:
        yield self._token()
        yield from self._section(("mvsep",), MvsepSection, besides=("token",))
        yield InForce(("state",), _path(self._config.state), self._origin(("state",)))
        yield from self._section(("limits",), LimitsSection)
        yield from self._section(("schedule",), ScheduleSection)
        yield from self._section(("notify",), NotifySection)
        yield from self._section(("ping",), PingSection)
        yield from self._section(("metrics",), MetricsSection)
        for index, placed in enumerate(self._examined.placed):
            yield from self._folder(("folders", index), placed)

    def _token(self) -> InForce:
        keys: Keys = ("mvsep", "token")
        written = self._written(keys)
        if written is not None:
            is_hidden = not is_only_variables(written)
            origin = f"{self._origin(keys)}, hidden" if is_hidden else self._origin(keys)
            return InForce(keys, STAND_IN if is_hidden else written, origin)
        if self._written(("mvsep", "token_file")) is None and has_credential(self._environ):
            return InForce(keys, None, f'systemd\'s credential "{CREDENTIAL}"')
        return InForce(keys, None, DEFAULT)

    def _section(self, keys: Keys, section: type[Section], *, besides: Iterable[str] = ()) -> Iterator[InForce]:
        for name, field in section.model_fields.items():
            inner = (*keys, name)
            if name in SECTIONS:
                yield from self._section(inner, SECTIONS[name])
            elif name not in besides:
                is_given = self._is_given(inner)
                value = self._written(inner) if is_given else as_written(name, field.default)
                yield self._shown(inner, value)

    def _shown(self, keys: Keys, value: Any) -> InForce:
        """Give a value as it may be shown: an address in plain words is not."""
        if keys[-1] in PATHS:
            return InForce(keys, self._absolute(value), self._origin(keys))
        if keys[0] == "mvsep" or not is_secret(keys):
            return InForce(keys, value, self._origin(keys))
        is_list = isinstance(value, list)
        shown = [_veiled(each, index) for index, each in enumerate(value)] if is_list else _veiled(value)
        return InForce(keys, shown, self._origin(keys) + (", hidden" if shown != value else ""))

    def _absolute(self, written: str | None) -> str | None:
        """Give a path as it is written, but from the file's own folder."""
        if written is None or written.startswith(("~", "${")):
            return written
        return f"{_path(self._config.path.parent)}/{written}" if not written.startswith("/") else written

    def _folder(self, keys: Keys, placed: Placed) -> Iterator[InForce]:
        for name, value in _folder_values(placed.folder).items():
            yield InForce((*keys, name), value, self._origin(placed.origin(name)))
        has_rules = self._is_given(placed.origin("rules"))
        for index, rule in enumerate(placed.folder.rules):
            written = (*placed.origin("rules"), index) if has_rules else placed.origin("rules")[:-1]
            for name, value in _rule_values(rule).items():
                origin = self._rule_origin(written, name)
                yield InForce((*keys, "rules", index, name), value, origin)

    def _rule_origin(self, written: Keys, name: str) -> str:
        """Say where a rule's key stands: in the rule, or in the defaults; options go with the rule's own model."""
        own = (*written, name)
        if name == "name" and "rules" not in written:  # there it is the folder's
            return DEFAULT
        is_own = self._is_given(own) or (name == "options" and self._is_given((*written, "sep_type")))
        return self._origin(own if is_own or name == "name" else ("defaults", name))

    def _written(self, keys: Keys) -> Any:
        """Give a value as it stands in the file; None where it does not."""
        value: Any = self._examined.values
        for key in keys:
            is_there = key in value if isinstance(value, dict) else isinstance(value, list)
            value = value[key] if is_there else None
        return None if value is BLANK else value

    def _is_given(self, keys: Keys) -> bool:
        return keys in self._examined.report.places.of_keys or keys in self._examined.report.places.of_values

    def _origin(self, keys: Keys) -> str:
        if not self._is_given(keys):
            return DEFAULT
        place = self._examined.report.places.of(keys)
        parts = ["defaults"] if keys[0] == "defaults" else []
        parts.append(f"{self._config.path.name}:{place.line}")
        parts += [f"environment {found[2:-1]}" for found in _VARIABLE.findall(str(self._written(keys)))]
        return ", ".join(parts)


def as_written(name: str, default: Any) -> Any:
    """Write a key's default as a configuration would."""
    if isinstance(default, float):
        return units.duration_text(default)
    if name in _SIZES:
        return units.size_text(default)
    return FORMATS[default].name if name == "format" else default


def _veiled(address: str | None, index: int | None = None) -> str | None:
    """Give an address as it is written if it says nothing itself; else a variable in its place."""
    if address is None or is_only_variables(address):
        return address
    return ADDRESS_STAND_IN if index is None else ADDRESS_STAND_IN.replace("}", f"_{index + 1}}}")


def _path(path: Path) -> str:
    return str(path).replace("$", "$$")


def _folder_values(folder: Folder) -> dict[str, Any]:
    values = {
        "path": _path(folder.path),
        "name": folder.name,
        "recursive": folder.recursive,
        "include": list(folder.include),
        "exclude": list(folder.exclude),
        "settle": f"{folder.settle_s:g}s",
        "watch": folder.watch,
        "existing": folder.existing,
        "output": _path(folder.output),
        "layout": folder.layout,
        "publish": folder.publish,
        "umask": None if folder.access.umask is None else f"{folder.access.umask:03o}",
        "owner": _owner(folder.access),
        "tags": folder.tags,
        "source": {"move": _path(folder.source)} if isinstance(folder.source, Path) else folder.source,
        "notes": folder.notes,
    }
    assert values.keys() == {"path", *FolderKeys.model_fields} - RuleKeys.model_fields.keys()
    return values


def _owner(access: Access) -> str | None:
    user, group = ("" if number is None else str(number) for number in (access.user, access.group))
    return f"{user}:{group}".removesuffix(":") or None


def _rule_values(rule: Rule) -> dict[str, Any]:
    values = {
        "name": rule.name,
        "match": list(rule.match),
        "sep_type": rule.sep_type,
        "options": dict(rule.options),
        "format": FORMATS[rule.output_format].name,
        "stems": "all" if rule.stems is None else list(rule.stems),
        "input": str(rule.input),
        "reference": None if rule.reference is None else _path(rule.reference),
        "priority": rule.priority,
        "demo": rule.demo,
        "delete_remote": rule.delete_remote,
    }
    assert values.keys() == {"name", *RuleKeys.model_fields}
    return values
