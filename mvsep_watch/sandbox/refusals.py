"""How the service says no: the texts, and the three envelopes that they come in.

The recorded words stand here; where a refusal has a text of its own beside the check that makes it, nobody has recorded
one and it is the sandbox's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

BAD_TOKEN = "invalid token"  # noqa: S105 - what the service says of one
BAD_KEY = "Invalid API key"
BUSY = "You already have unprocessed file in queue. Please wait before adding new file!"
NOT_FOUND = "File or File Hash not found"
NO_TYPE = "Seperation type is not set"
PREMIUM_ONLY = "Seperation type is unavailable until you purchase premium membership"
BAD_PARAMETER = "Invalid parameter"
NO_ENTRY = "Job not found"

Text = str | Mapping[str, list[str]]


class Envelope(StrEnum):
    """Where the text of a refusal stands."""

    ERRORS = "errors"
    """`{"errors": [text]}`: what create does."""
    DATA = "data"
    """`{"data": {"message": text}}`: what the documentation promises."""
    MESSAGE = "message"
    """`{"message": text}`, or texts by field: what the account's calls do."""


class RefusalError(Exception):
    """The service says no to a request.

    Args:
        text: What it says; by field where a form is wrong.
        http_status: With which status.
        envelope: Where the text stands.
    """

    def __init__(self, text: Text, *, http_status: int = 400, envelope: Envelope = Envelope.ERRORS) -> None:
        super().__init__(text)
        self.text = text
        self.http_status = http_status
        self.envelope = envelope

    def body(self, envelope: Envelope) -> dict[str, Any]:
        """Give the JSON."""
        match envelope:
            case Envelope.ERRORS:
                return {"success": False, "errors": [self.text]}
            case Envelope.DATA:
                return {"success": False, "data": {"message": self.text}}
            case Envelope.MESSAGE:
                return {"success": False, "message": self.text}


class BadTokenError(RefusalError):
    """Nobody has this token. On create it is 401, on the account's calls 400."""

    def __init__(self, text: str = BAD_KEY, *, http_status: int = 400, envelope: Envelope = Envelope.DATA) -> None:
        super().__init__(text, http_status=http_status, envelope=envelope)
