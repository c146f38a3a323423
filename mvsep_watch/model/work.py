"""Work and how it is recognised: these bytes, with these settings, on this service.

The settings' canonical form and the tag are promises to every state file, sidecar and history out there: a change of
either would make paid work unrecognisable. Both carry a version and a test vector.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mvsep_watch.model.words import InputKind

SETTINGS_VERSION = 1
TAG_PATTERN = re.compile(r"mw[a-z2-7]{12}(?=-|\.|$)")
MAX_ATTEMPTS_LOOKED_FOR = 16
"""How many attempts of a work are looked for in the history; more than a person asks for in 72 hours."""

MVSEP_REALM = "mvsep"
SANDBOX_REALM = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Exactly what is sent besides the input.

    Args:
        sep_type: The model's number (`render_id`).
        options: Pairs of (`add_optN`, option key), in the order of N, with the catalogue's defaults filled in.
        output_format: 0 to 5.
        is_demo: Whether the result is published on the site's demo page.
    """

    sep_type: int
    options: tuple[tuple[str, str], ...] = ()
    output_format: int = 0
    is_demo: bool = False

    def canonical(self) -> str:
        """Give the one JSON text that stands for these settings: sorted keys, no spaces, ASCII, versioned."""
        return json.dumps(
            {
                "v": SETTINGS_VERSION,
                "sep_type": self.sep_type,
                "options": dict(self.options),
                "output_format": self.output_format,
                "is_demo": self.is_demo,
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    def with_option(self, name: str, value: str) -> Settings:
        """Give the same settings with one option more."""
        options = dict(self.options) | {name: value}
        return Settings.of(
            sep_type=self.sep_type, options=options, output_format=self.output_format, is_demo=self.is_demo
        )

    @classmethod
    def from_canonical(cls, text: str) -> Settings:
        """Read what `canonical` wrote.

        Raises:
            ValueError: The text is of another version.
        """
        value = json.loads(text)
        if value["v"] != SETTINGS_VERSION:
            raise ValueError(f"settings of version {value['v']}, this program knows {SETTINGS_VERSION}")
        return cls.of(
            sep_type=value["sep_type"],
            options=value["options"],
            output_format=value["output_format"],
            is_demo=value["is_demo"],
        )

    @classmethod
    def of(cls, *, sep_type: int, options: Mapping[str, str], output_format: int, is_demo: bool) -> Settings:
        """Build from a mapping of options, in any order."""
        ordered = tuple(sorted(options.items(), key=lambda item: option_number(item[0])))
        return cls(sep_type=sep_type, options=ordered, output_format=output_format, is_demo=is_demo)


def option_number(name: str) -> int:
    """Give N of `add_optN`."""
    return int(name.removeprefix("add_opt"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What must never be paid for twice: one input with one set of settings on one realm."""

    realm: str
    input_key: str
    settings: Settings

    def tag(self, attempt: int) -> str:
        """Derive the tag of an attempt: `mw` and 12 base32 letters of sha256(input key, settings, attempt)."""
        digest = hashlib.sha256(f"{self.input_key}\n{self.settings.canonical()}\n{attempt}".encode()).digest()
        return "mw" + base64.b32encode(digest).decode("ascii").lower()[:12]

    def tags(self) -> tuple[str, ...]:
        """Give the tags of every attempt that is looked for in a history, the first attempt first."""
        return tuple(self.tag(attempt) for attempt in range(1, MAX_ATTEMPTS_LOOKED_FOR + 1))


def tag_in_hash(hash_: str) -> str | None:
    """Find the tag in a server's hash, which contains the slug of the upload's name, or None.

    Source: recorded hashes, `YYYYMMDDHHMMSS-<10 hex>-<slug>.<ext>`, 2023 to 2026.
    """
    _, _, slug = hash_.partition("-")[2].partition("-")
    found = TAG_PATTERN.match(slug)
    return found.group() if found else None


def day_in_hash(hash_: str) -> str | None:
    """Give the date that a server's hash begins with, as `YYYY-MM-DD`, or None: the day that it was paid for."""
    found = re.match(r"(\d{4})(\d{2})(\d{2})\d{6}-", hash_)
    return "-".join(found.groups()) if found else None


def is_link_hash(hash_: str) -> bool:
    """Say whether a hash stands for a link that the service is still to fetch: it has no date.

    Source: MVSEP API page and two public clients, 2026: 16 letters and digits, `n2AwBjy4KsFZfqqR`.
    """
    return day_in_hash(hash_) is None


def file_key(sha256_hex: str) -> str:
    """Give the input key of a file's bytes."""
    return f"sha256:{sha256_hex}"


def link_key(url: str) -> str:
    """Give the input key of a link: its address, for what is behind it is not known."""
    return f"link:{url}"


def text_key(text: str) -> str:
    """Give the input key of a text as it is sent."""
    return f"text:{hashlib.sha256(text.encode()).hexdigest()}"


def pair_key(target_sha256_hex: str, reference_sha256_hex: str) -> str:
    """Give the input key of a pair: what is to be changed, and what it is to sound like."""
    return f"pair:{target_sha256_hex}+{reference_sha256_hex}"


def kind_of(input_key: str) -> InputKind:
    """Say what kind of input a key is of."""
    kind = input_key.partition(":")[0]
    return InputKind.FILE if kind == "sha256" else InputKind(kind)


def realm_of(base_url: str) -> str:
    """Say whose memory and money a base URL is: `mvsep` with all its mirrors, `sandbox`, or another host by itself."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host == "mvsep.com" or host.endswith(".mvsep.com"):
        return MVSEP_REALM
    return SANDBOX_REALM if is_loopback(host) else host


def is_loopback(host: str) -> bool:
    """Say whether a host's name can only mean this machine."""
    return host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
