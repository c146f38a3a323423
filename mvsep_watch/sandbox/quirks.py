"""The service's quirks by name: what it has been seen to do, each of them a fault with the values that fit.

Without one, the sandbox does what the service does today. Everything that can be switched on is a fault; a quirk is a
name for one, so that a person can ask for it in a word, or in a word and a value: `slow_remote=120`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox.faults import Fault, FaultKind
from mvsep_watch.sandbox.refusals import BUSY

QUIRKS: Mapping[str, tuple[str, Fault]] = MappingProxyType(
    {
        "string_success": ('create says "true", a string', Fault(kind=FaultKind.STRING_SUCCESS)),
        "data_message": ("refusals are in data.message", Fault(kind=FaultKind.DATA_MESSAGE)),
        "error_list": ("refusals are in errors[]", Fault(kind=FaultKind.ERROR_LIST)),
        "plain_slashes": ("no backslash before a slash", Fault(kind=FaultKind.PLAIN_SLASHES)),
        "bare_waiting": ("waiting has no message", Fault(kind=FaultKind.BARE_WAITING)),
        "empty_done": ("done has no files at first", Fault(kind=FaultKind.EMPTY_DONE, value=1)),
        "remote_not_found": ("a link being fetched is not known", Fault(kind=FaultKind.REMOTE_NOT_FOUND)),
        "slow_remote": ("a link takes 30 s to be fetched", Fault(kind=FaultKind.SLOW_REMOTE)),
        "token_400": ("a bad token is 400 everywhere", Fault(kind=FaultKind.TOKEN_STATUS, value=400)),
        "token_401": ("a bad token is 401 everywhere", Fault(kind=FaultKind.TOKEN_STATUS, value=401)),
        "html_413": ("every upload is too large", Fault(kind=FaultKind.STATUS, value=413)),
        "html_502": ("one request in five is a 502", Fault(kind=FaultKind.STATUS, value=502, on="*", every=5)),
        "html_503": ("one request in five is a 503", Fault(kind=FaultKind.STATUS, value=503, on="*", every=5)),
        "rate_limit": ("one request in five is a 429", Fault(kind=FaultKind.RATE_LIMIT, value=1, on="*", every=5)),
        "bare_rate_limit": ("the same without Retry-After", Fault(kind=FaultKind.RATE_LIMIT, on="*", every=5)),
        "busy": ("every second upload is one too many", Fault(kind=FaultKind.REFUSE, value=BUSY, every=2)),
        "other_host": ("files are on 127.0.0.2", Fault(kind=FaultKind.OTHER_HOST)),
        "subfolder": ("files are in a sub-folder", Fault(kind=FaultKind.SUBFOLDER)),
        "extra_keys": ("the newest keys as well", Fault(kind=FaultKind.EXTRA_KEYS)),
        "no_bytes": ("without the newer keys", Fault(kind=FaultKind.NO_BYTES)),
        "algorithms_2024": ("the models' keys of 2024", Fault(kind=FaultKind.ALGORITHMS_2024)),
        "early_expiry": ("results are kept for a minute", Fault(kind=FaultKind.RETENTION)),
        "split": ("distributing and merging for all", Fault(kind=FaultKind.SPLIT_FROM)),
        "lost_create": ("every second create is not answered", Fault(kind=FaultKind.DROP, when="after", every=2)),
        "model_gone": ("model 40 vanishes once listed", Fault(kind=FaultKind.MODEL_GONE, skip=1)),
        "model_renamed": ("model 40 is renamed once listed", Fault(kind=FaultKind.MODEL_RENAMED, skip=1)),
        "null_token": ("login gives no token", Fault(kind=FaultKind.NULL_TOKEN)),
    }
)


def quirk(text: str) -> Fault:
    """Find the fault of a name, or of `name=value`; the name of a kind of fault does as well.

    Raises:
        UsageError: There is no such name.
    """
    name, _, value = text.partition("=")
    if name not in QUIRKS and name not in list(FaultKind):
        raise UsageError(f"no quirk is called {name!r}", hint=_near(name))
    preset = QUIRKS[name][1] if name in QUIRKS else Fault(kind=FaultKind(name))
    return Fault.parse({**preset.listed(), "value": _value(value) if value else preset.value})


def expanded(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a quirk's own fault in the place of its name, where JSON names one; what else it says wins.

    Raises:
        UsageError: There is no such name.
    """
    if "quirk" not in raw:
        return raw
    rest = {key: value for key, value in raw.items() if key != "quirk"}
    return {**quirk(str(raw["quirk"])).listed(), **rest}


def all_quirks() -> dict[str, str]:
    """List the quirks: name → what it does."""
    return {name: text for name, (text, _) in QUIRKS.items()}


def _near(name: str) -> str:
    names = [*QUIRKS, *FaultKind]
    near = get_close_matches(name, names, n=1, cutoff=0.0)
    return f"did you mean {near[0]}? `--quirk list` names them all"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
