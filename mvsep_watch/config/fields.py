"""The values of single keys that need more than a type: what is taken, what is said if not, what an editor is told.

Each is a small pure function and a type made of it. A value that is refused says what is allowed; one that a later
version will take says so.
"""

from __future__ import annotations

import re
import string
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from mvsep_watch import hours
from mvsep_watch.config import units
from mvsep_watch.config.problems import BLANK, shown
from mvsep_watch.model import FORMATS, InputKind, Window, is_loopback
from mvsep_watch.wanted import AUDIO_EXTENSIONS, LINK_EXTENSIONS

PLACEHOLDERS = ("rel", "name", "rule", "ext", "folder", "sha8")
_CAN_BE_EMPTY = ("rel", "ext")
_FORMAT_NAMES = tuple(output_format.name for output_format in FORMATS)
_GLOB_WORDS = 'a list of globs such as ["*.wav", "live/*"], each in quotes'
_COMMAND_WORDS = "a list of words such as [mail, -s, mvsep-watch, me@example.org]; no shell reads it"
_USUAL_PORTS = {"https": ":443", "http": ":80"}
_LISTEN = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_NO_NAME = re.compile(r"[/\x00-\x1f\x7f]")


def not_allowed(allowed: str, *choices: str) -> PydanticCustomError:
    """Make the refusal of a value.

    Args:
        allowed: What is, in words.
        choices: Words of which the value may be a misspelling.
    """
    return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed, "choices": choices})


def refused(why: str) -> PydanticCustomError:
    """Make a refusal that is a sentence of its own."""
    return PydanticCustomError("refused", "{why}", {"why": why})


def blank_to_none(value: Any) -> Any:
    """Take a section's key with nothing after it for a section that says nothing."""
    return None if value is BLANK else value


def _duration(value: Any) -> float:
    try:
        return units.duration_s(value)
    except ValueError as error:
        raise not_allowed(str(error)) from None


def _size(value: Any) -> int:
    try:
        return units.size_bytes(value)
    except ValueError as error:
        raise not_allowed(str(error)) from None


def _size_or_zero(value: Any) -> int:
    if type(value) is int and value == 0:
        return 0
    try:
        return units.size_bytes(value)
    except ValueError as error:
        raise not_allowed(f"{error}, or 0") from None


def _rate(value: Any) -> int:
    try:
        return units.rate_bytes_per_s(value)
    except ValueError as error:
        raise not_allowed(str(error)) from None


def _base_url(value: Any) -> str:
    if not isinstance(value, str):
        raise not_allowed("a URL such as https://mvsep.com")
    parts = _parts(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise not_allowed("a URL such as https://mvsep.com")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in {"", "/"}:
        raise refused("it holds more than a scheme, a host and a port; allowed: a URL such as https://mvsep.com")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise refused("plain http is for this machine only (127.0.0.1, localhost, ::1): write https")
    if not parts.hostname.isascii() or parts.hostname.endswith("."):
        raise refused("a host is written in ASCII, without a dot at its end; allowed: a URL such as https://mvsep.com")
    return f"{parts.scheme}://{parts.netloc.lower()}".removesuffix(_USUAL_PORTS[parts.scheme])


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise not_allowed("a URL such as https://mvsep.com") from None
    if re.search(r"[\s\\]", url):
        raise not_allowed("a URL such as https://mvsep.com")
    return parts


def _globs(value: Any) -> list[str]:
    globs = [value] if isinstance(value, str) else value
    if not isinstance(globs, list):
        raise not_allowed(_GLOB_WORDS)
    _refuse_odd_words(globs, _GLOB_WORDS)
    for glob in globs:
        if advice := _glob_that_fits_nothing(glob):
            raise refused(f'found "{glob}", which fits no file: {advice}')
    return globs


def _refuse_odd_words(items: list[Any], allowed: str) -> None:
    """Refuse a list that holds anything but words, and name the first such item."""
    for item in items:
        if not isinstance(item, str) or not item:
            raise refused(f"found {shown((), item)} in the list; allowed: {allowed}")


def _some_globs(value: Any) -> list[str]:
    if value == []:
        raise refused(f"found an empty list, which fits no file; allowed: {_GLOB_WORDS}")
    return _globs(value)


def _glob_that_fits_nothing(glob: str) -> str:
    """Say how to mend a glob that only looks as if it fitted; empty where nothing is known against it."""
    if glob.startswith(("/", "~", "./")):
        return "write the path below the watched folder, as in live/*"
    extension = glob.removeprefix(".").lower()
    if extension in AUDIO_EXTENSIONS | LINK_EXTENSIONS:
        return f'write "*.{extension}"'
    return ""


def _sep_type(value: Any) -> int | str:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+\s*", value):
        raise refused("found a number in quotes: write it without them")
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if is_number or (isinstance(value, str) and value.strip()):
        return value  # type: ignore[no-any-return]
    raise not_allowed("the model's number, such as 40, or its name")


def _format(value: Any) -> int:
    for output_format in FORMATS:
        if value == output_format.name or (value == output_format.number and type(value) is int):
            return output_format.number
    raise not_allowed(f"{', '.join(_FORMAT_NAMES)}, or 0 to {len(FORMATS) - 1}", *_FORMAT_NAMES)


def _stems(value: Any) -> Any:
    if value == "all":
        return value
    if isinstance(value, list) and value and all(isinstance(stem, str) and stem.strip() for stem in value):
        return [stem.strip().lower() for stem in value]
    raise not_allowed("all, or a list of labels or slugs such as [vocals, drums]", "all")


def _source(value: Any) -> Any:
    if value in ("keep", "delete"):
        return value
    is_move = isinstance(value, dict) and list(value) == ["move"]
    if is_move and isinstance(value["move"], str) and value["move"]:
        return value
    raise not_allowed("keep, delete or {move: PATH}", "keep", "delete")


def _hours(value: Any) -> tuple[Window, ...] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise not_allowed(f"{hours.WORDS}, in quotes")
    try:
        return hours.parse(value)
    except ValueError as error:
        raise refused(str(error)) from None


def _time_of_day(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise not_allowed('a time of the day such as "08:00", in quotes')
    return value


def minute_of(time: str) -> int:
    """Give the minute of the day of a checked time."""
    return int(time[:2]) * 60 + int(time[3:])


def _listen(value: Any) -> str:
    if not isinstance(value, str) or not (found := _LISTEN.fullmatch(value)) or not 0 < int(found["port"]) < 2**16:
        raise not_allowed("a host and a port such as 127.0.0.1:9464; 0.0.0.0 is every interface")
    return value


def address_of(listen: str) -> tuple[str, int]:
    """Give the host and the port of a checked address."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def _words(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise not_allowed(_COMMAND_WORDS)
    _refuse_odd_words(value, f"{_COMMAND_WORDS}; a word that YAML reads as something else needs quotes")
    if "/" in value[0] and not value[0].startswith(("/", "~", "$")):
        raise refused("the program is named by its whole path, or by its name alone, which PATH finds")
    return value


def _input(value: Any) -> InputKind:
    if value not in list(InputKind):
        raise not_allowed(", ".join(InputKind), *InputKind)
    return InputKind(value)


def _rule_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise not_allowed("a name of letters, digits, - and _")
    return value


def _folder_name(value: Any) -> str:
    if not isinstance(value, str) or not is_folder_name(value):
        raise not_allowed("a name without / and control characters")
    return value


def is_folder_name(name: str) -> bool:
    """Say whether a folder may be called so: a name can become a part of an output's path."""
    return bool(name.strip()) and name not in {".", ".."} and not _NO_NAME.search(name)


def _layout(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise not_allowed('a pattern such as "{rel}/{name}"')
    if value.startswith(("/", "~")) or ".." in PurePosixPath(value).parts or _NO_NAME.search(value.replace("/", "")):
        raise not_allowed("a relative pattern without .. and control characters")
    _check_placeholders(value)
    return value


def _check_placeholders(layout: str) -> None:
    known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
    try:
        pieces = list(string.Formatter().parse(layout))
    except ValueError:
        raise refused(f"the braces do not pair; allowed: {known}") from None
    for _, placeholder, specification, conversion in pieces:
        if placeholder is not None and (placeholder not in PLACEHOLDERS or specification or conversion):
            raise refused(f"found the placeholder {{{placeholder}}}; allowed: {known}")
    if not any(text.strip("/ .") or placeholder not in (None, *_CAN_BE_EMPTY) for text, placeholder, _, _ in pieces):
        raise refused("{rel} and {ext} can be empty, and the output would be the output folder itself; add {name}")


def _umask(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3}", value):
        raise not_allowed('a mask of three octal digits in quotes, such as "022"')
    return int(value, 8)


def _owner(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[^:\s]+(:[^:\s]+)?|:[^:\s]+", value):
        raise not_allowed('"user", "user:group" or ":group", by name or by number, in quotes')
    return value


def layout_placeholders(layout: str) -> frozenset[str]:
    """Give the placeholders of a checked layout."""
    return frozenset(placeholder for _, placeholder, _, _ in string.Formatter().parse(layout) if placeholder)


_GLOB_LIST: dict[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}
_GLOBS_SCHEMA = {"anyOf": [_GLOB_LIST, {"type": "string", "minLength": 1}]}
_SOME_GLOBS_SCHEMA = {"anyOf": [_GLOB_LIST | {"minItems": 1}, {"type": "string", "minLength": 1}]}
_DURATION_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": units.DURATION_PATTERN}]}
_SOURCE_SCHEMA = {
    "anyOf": [
        {"enum": ["keep", "delete"]},
        {
            "type": "object",
            "properties": {"move": {"type": "string", "minLength": 1, "description": "the folder it is moved to"}},
            "required": ["move"],
            "additionalProperties": False,
        },
    ]
}
_STEMS_SCHEMA = {
    "anyOf": [{"const": "all"}, {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}]
}

_HOURS_SCHEMA = {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "[0-9]:[0-5][0-9] ?- ?[0-9]"}]}

Duration = Annotated[float, PlainValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
Size = Annotated[int, PlainValidator(_size), WithJsonSchema({"type": "string", "pattern": units.SIZE_PATTERN})]
SizeOrZero = Annotated[
    int,
    PlainValidator(_size_or_zero),
    WithJsonSchema({"anyOf": [{"const": 0}, {"type": "string", "pattern": units.SIZE_PATTERN}]}),
]
Rate = Annotated[int, PlainValidator(_rate), WithJsonSchema({"type": "string", "pattern": units.RATE_PATTERN})]
BaseUrl = Annotated[
    str, PlainValidator(_base_url), WithJsonSchema({"type": "string", "pattern": "^https?://[^/?#@]+/?$"})
]
Globs = Annotated[list[str], PlainValidator(_globs), WithJsonSchema(_GLOBS_SCHEMA)]
SomeGlobs = Annotated[list[str], PlainValidator(_some_globs), WithJsonSchema(_SOME_GLOBS_SCHEMA)]
SepType = Annotated[
    int | str,
    PlainValidator(_sep_type),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "[^0-9\\s]"}]}),
]
OutputFormatNumber = Annotated[
    int, PlainValidator(_format), WithJsonSchema({"enum": [*_FORMAT_NAMES, *range(len(FORMATS))]})
]
Stems = Annotated[list[str] | Literal["all"], PlainValidator(_stems), WithJsonSchema(_STEMS_SCHEMA)]
Source = Annotated[Any, PlainValidator(_source), WithJsonSchema(_SOURCE_SCHEMA)]
Hours = Annotated[tuple[Window, ...] | None, PlainValidator(_hours), WithJsonSchema(_HOURS_SCHEMA)]
TimeOfDay = Annotated[
    str, PlainValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
]
Listen = Annotated[str, PlainValidator(_listen), WithJsonSchema({"type": "string", "pattern": ":[0-9]+$"})]
Words = Annotated[list[str], PlainValidator(_words), WithJsonSchema(_GLOB_LIST | {"minItems": 1})]
Input = Annotated[InputKind, PlainValidator(_input), WithJsonSchema({"enum": [*InputKind]})]
RuleName = Annotated[str, PlainValidator(_rule_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"})]
FolderName = Annotated[
    str, PlainValidator(_folder_name), WithJsonSchema({"type": "string", "pattern": "^[^/]+$", "minLength": 1})
]
Umask = Annotated[
    int | None,
    PlainValidator(_umask),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": "^0?[0-7]{3}$"}, {"type": "null"}]}),
]
Owner = Annotated[
    str | None,
    PlainValidator(_owner),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^([^:\s]+(:[^:\s]+)?|:[^:\s]+)$"}, {"type": "null"}]}),
]
Layout = Annotated[str, PlainValidator(_layout), WithJsonSchema({"type": "string", "minLength": 1})]
