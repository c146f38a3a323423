"""What a refusal means: from the server's status and words to the project's errors. Decides, and touches nothing.

`refused=True` is given exactly where the service's own JSON with 400, 401, 413 or 429 said no; everything else that
goes wrong after a body has left is an unknown outcome.

The surprise: only three of the texts are known by recordings ("unprocessed file", "purchase premium", "is not set").
The rest is matched by the substrings that public clients match on, and what matches nothing is refused for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mvsep_watch.errors import (
    CreditsExhaustedError,
    MvsepWatchError,
    NotFoundError,
    PremiumRequiredError,
    RateLimitedError,
    RequestRefusedError,
    ServiceError,
    TokenRefusedError,
    TooManyUnfinishedError,
)
from mvsep_watch.mvsep.envelope import Answer

REFUSING = frozenset({400, 401, 413, 429})
"""The statuses with which the service's own JSON says that it did not take the work."""
DAILY_WAIT_S = 3600.0
"""How long to leave a daily limit alone. When it ends is not documented; an hour costs little and finds it soon."""

UPLOAD_HINT = "nothing is sent twice on a guess: whether it was made is looked for in the history"
ENTRY_HINT = "nothing is sent twice on a guess: look for it in the quality checker's queue"
TOKEN_HINT = "check mvsep.token; the site shows it under the account's API key"  # noqa: S105 - a hint


def _token(message: str) -> MvsepWatchError:
    return TokenRefusedError(message, hint=TOKEN_HINT, refused=True)


def _unfinished(message: str) -> MvsepWatchError:
    hint = "waits until an unfinished separation of this account ends"
    return TooManyUnfinishedError(message, hint=hint, refused=True)


def _daily(message: str) -> MvsepWatchError:
    hint = "waits and asks again by itself; premium accounts have no daily limit"
    return RateLimitedError(message, hint=hint, refused=True, retry_after_s=DAILY_WAIT_S)


def _credits(message: str) -> MvsepWatchError:
    hint = "buy credits on the site, or switch premium off to separate for free"
    return CreditsExhaustedError(message, hint=hint, refused=True)


def _premium(message: str) -> MvsepWatchError:
    hint = "switch premium on for this account, or choose another model or format in the rule"
    return PremiumRequiredError(message, hint=hint, refused=True)


def _work(message: str) -> MvsepWatchError:
    hint = "check the rule's sep_type, options and format, and the file's size and length"
    return RequestRefusedError(message, hint=hint, refused=True)


CREATE_WORDS: tuple[tuple[str, Callable[[str], MvsepWatchError]], ...] = (
    (r"unprocessed file", _unfinished),
    (r"(invalid|wrong|unknown|missing|expired)\b.{0,20}\b(token|api[ _-]?key)", _token),
    (r"(token|api[ _-]?key)\b.{0,20}\b(invalid|wrong|not|required|missing|expired)", _token),
    (r"unauthenticated|unauthorized", _token),
    (r"daily|per day|today", _daily),
    (r"credit|quota", _credits),
    (r"too (large|big|long)|\d\s?(mb|gb|min)|(size|length|duration).*(exceed|limit)", _work),
    (r"premium", _premium),
    (r"limit", _daily),
)
"""Read from the top; the first that is found in the words counts."""


def create_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that `create` gave no hash."""
    if answer.status == 403 and answer.is_own_refusal and _is_about_the_token(answer):
        return account_error(answer)
    if answer.status not in REFUSING or not answer.is_own_refusal:
        return service_error(answer, hint=UPLOAD_HINT)
    message = _says(answer)
    if answer.status == 413:
        return _work(message)
    if answer.status == 429:
        return rate_error(answer)
    for pattern, make in CREATE_WORDS:
        if _found(pattern, answer):
            return make(message)
    return _token(message) if answer.status == 401 else _work(message)


def account_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that a call about the account failed. Its only parameter that can be wrong is the token.

    Source: MVSEP API page, app/user and app/separation_history, 2025: 400 is an invalid key.
    """
    refused = answer.status in {400, 401, 403} and answer.is_own_refusal
    if refused or (answer.status < 500 and _is_about_the_token(answer)):
        return TokenRefusedError(_says(answer), hint=TOKEN_HINT, refused=answer.status in REFUSING)
    return service_error(answer)


def form_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that a form was refused, with the names of its fields where the service names them.

    Source: recorded login, 2024: {"success": false, "message": {"email": ["The email field is required."]}}
    """
    if answer.status < 500 and answer.status != 429 and answer.words and not answer.succeeded:
        names = ", ".join(answer.refused_fields)
        message = _says(answer) + (f" ({names})" if names else "")
        hint = f"correct {names}" if names else "correct what was asked for"
        return RequestRefusedError(message, hint=hint, refused=answer.status in REFUSING)
    return service_error(answer)


def public_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that a call which needs no token was refused; with one, it may still be wrong."""
    if answer.status < 500 and _is_about_the_token(answer):
        return account_error(answer)
    return form_error(answer)


def entry_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that the quality checker refuses. Source: public client, 2025: 400 with "Job not found"."""
    if answer.status < 500 and _found(r"not found", answer):
        return NotFoundError(_says(answer), hint="check the entry's number", refused=answer.status in REFUSING)
    return public_error(answer)


def entry_added_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that an entry of the quality checker was not added; 401 is the token, 400 the form."""
    if answer.status == 401:
        return account_error(answer)
    if answer.is_ok and not answer.says_no:
        return service_error(answer, hint=ENTRY_HINT)
    return public_error(answer)


def cancel_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that `cancel` did not succeed; what the service says then is not documented."""
    return _denial(answer, "does not cancel the separation", hint="it goes on, and its result is kept")


def delete_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that `delete` did not succeed; its words stand in `data.message`. Source: clients, 2026."""
    return _denial(answer, "does not delete the separation", hint="it ends by itself 72 hours after it was made")


def mirror_error(answer: Answer) -> MvsepWatchError:
    """Say what it means that `get` with a mirror, which takes the token and a credit, gave no status."""
    if answer.status == 401:
        return account_error(answer)
    if answer.status < 500 and _found(r"credit", answer):
        hint = "ask without a mirror, which costs nothing"
        return CreditsExhaustedError(_says(answer), hint=hint, refused=answer.status in REFUSING)
    return public_error(answer)


def _denial(answer: Answer, what: str, *, hint: str) -> MvsepWatchError:
    """Tell a no in the service's own words from a token that it does not know, and from an outage."""
    if answer.status in {401, 403} or _is_about_the_token(answer):
        return account_error(answer)
    says_no = bool(answer.words) or "success" in answer.object
    if says_no and answer.status < 500 and answer.status != 429:
        words = answer.words or f"answered {answer.status} without a reason"
        return RequestRefusedError(f"{answer.host} {what}: {words}", hint=hint, refused=answer.status in REFUSING)
    return service_error(answer)


def service_error(answer: Answer, *, hint: str = "asked again by itself") -> MvsepWatchError:
    """Say what was wrong with an answer that is not what was asked for."""
    if answer.status == 429:
        return rate_error(answer)
    return ServiceError(_says(answer), hint=_service_hint(answer) or hint, retry_after_s=answer.retry_after_s)


def rate_error(answer: Answer) -> RateLimitedError:
    """Say that too much was asked."""
    return RateLimitedError(
        _says(answer),
        hint="all requests pause together and go on by themselves",
        refused=answer.is_own_refusal,
        retry_after_s=answer.retry_after_s,
    )


def _is_about_the_token(answer: Answer) -> bool:
    return any(make is _token and _found(pattern, answer) for pattern, make in CREATE_WORDS)


def _found(pattern: str, answer: Answer) -> bool:
    return re.search(pattern, answer.words, re.IGNORECASE) is not None


def _says(answer: Answer) -> str:
    return f"{answer.host} answered {answer.call} with {answer.status}: {answer.words or _kind(answer)}"


def _kind(answer: Answer) -> str:
    if answer.payload is not None:
        return "JSON of an unexpected shape"
    return f"no JSON ({answer.content_type or 'no content type'})"


def _service_hint(answer: Answer) -> str:
    if answer.status in {401, 403}:
        return "a page in front of the service refuses this machine, not the token; open the site in a browser"
    if answer.status == 413:
        return "the file is larger than the service's web server takes"
    if 300 <= answer.status < 400:
        return "check mvsep.base_url: API calls do not follow redirects"
    return ""
