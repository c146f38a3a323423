"""The project's errors: one tree with three branches, the three things that can be done about trouble.

    MvsepWatchError
    ├── RetryableError               by itself, later
    │   ├── TransportError               no connection, a time-out, a connection that broke
    │   │   └── CertificateError             what answers proves not to be who was asked: a clock, a portal, a firewall
    │   ├── ServiceError                 5xx, HTML, a body that is not what was asked for
    │   ├── RateLimitedError             429
    │   ├── TooManyUnfinishedError       the service takes no further unfinished separation now
    │   ├── LinkExpiredError             a result's link is dead; a fresh `get` gives a new one
    │   ├── OutputDamagedError           a download is short, of another container, or another length
    │   ├── SourceBusyError              a source is still being written, or cannot be opened just now
    │   ├── NotToldError                 a notice or a ping was not taken
    │   └── StoppedError                 told to stop in the middle: nothing happened
    ├── PermanentError               this job will not succeed
    │   ├── RequestRefusedError          the service refuses this work: an option, a size, an unreadable input
    │   ├── NotFoundError                the service knows no such thing
    │   ├── SourceRefusedError           not audio, empty, truncated: refused here, nothing was sent
    │   └── SourceChangedError           the source is gone, or no longer what was read: it is looked at anew
    └── NeedsUserError               a person must act
        ├── OutputShortError             job: an output is whole, and markedly shorter than its source
        ├── PremiumRequiredError         job: the model or format needs premium
        ├── TokenRefusedError            account: gate `token`
        ├── CreditsExhaustedError        account: gate `credits`
        ├── OutputRootError              machine: gate `disk`
        ├── ConfigError                  machine: the configuration, with every problem in it
        ├── StateError                   machine: gate `state`, or a state file that must not be used
        │   └── AlreadyRunningError          another process has the state file
        └── UsageError                   the command's words

`message` says what happened to what, `hint` what to do about it. Foreign errors are translated only in the adapters,
`raise ... from exc`. What is not in this tree is a bug.
"""

from __future__ import annotations


class MvsepWatchError(Exception):
    """The root of the tree.

    Args:
        message: What happened to what, one sentence.
        hint: What to do about it; empty where nothing can be done.
        refused: True where the service itself said, in its own JSON with 400, 401, 413 or 429, that it did not take
            the work. Everything else that goes wrong after a body has left is an unknown outcome.
    """

    def __init__(self, message: str, *, hint: str = "", refused: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.refused = refused


class RetryableError(MvsepWatchError):
    """It may go well later, by itself.

    Args:
        retry_after_s: Seconds that the other side asked for, if it did.
    """

    def __init__(
        self, message: str, *, hint: str = "", refused: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, refused=refused)
        self.retry_after_s = retry_after_s


class TransportError(RetryableError):
    """No connection, a time-out, or a connection that broke."""


class CertificateError(TransportError):
    """What answers cannot prove that it is who was asked. Nothing was told to it."""


class ServiceError(RetryableError):
    """The service answered with 5xx, with HTML, or with a body that is not what was asked for."""


class RateLimitedError(RetryableError):
    """429: too many requests. Everything pauses together."""


class TooManyUnfinishedError(RetryableError):
    """The service takes no further unfinished separation of this account now. Never plainly "not made"."""


class LinkExpiredError(RetryableError):
    """A result's link is dead; asking for the separation again gives a fresh one."""


class OutputDamagedError(RetryableError):
    """A downloaded output is short, has another container or another length than it must have."""


class SourceBusyError(RetryableError):
    """A source is held open for writing, or cannot be opened just now."""


class NotToldError(RetryableError):
    """A notice or a ping was not taken by whom it was for. No work waits for that."""


class StoppedError(RetryableError):
    """Told to stop in the middle of something that can be done again."""


class PermanentError(MvsepWatchError):
    """This job will not succeed."""


class RequestRefusedError(PermanentError):
    """The service refuses this work: an option, a size, an input it cannot read."""


class NotFoundError(PermanentError):
    """The service knows no such separation or page."""


class SourceRefusedError(PermanentError):
    """The source is empty, truncated, mislabelled or no audio; nothing was sent."""


class SourceChangedError(PermanentError):
    """The source is gone or no longer what was read; it is looked at anew."""


class NeedsUserError(MvsepWatchError):
    """A person must act.

    `scope` says how far it reaches: `job` holds the job; `account` and `machine` close `gate`, spend no attempt, and
    what is already paid for goes on.
    """

    scope = "job"
    gate: str | None = None


class OutputShortError(NeedsUserError):
    """An output is whole, and markedly shorter than its source: a person says whether it is right."""


class PremiumRequiredError(NeedsUserError):
    """The model or the format is for premium accounts."""


class TokenRefusedError(NeedsUserError):
    """The service does not accept the token."""

    scope = "account"
    gate = "token"


class CreditsExhaustedError(NeedsUserError):
    """The account has no credits left for the work."""

    scope = "account"
    gate = "credits"


class OutputRootError(NeedsUserError):
    """An output folder cannot be written: full, read-only, not permitted, or not there.

    Args:
        needs_bytes: How much must be free there before it is worth another try; 0 where that is not known.
    """

    scope = "machine"
    gate = "disk"

    def __init__(self, message: str, *, hint: str = "", needs_bytes: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.needs_bytes = needs_bytes


class ConfigError(NeedsUserError):
    """The configuration cannot be used.

    Args:
        problems: Every problem, one line each, `file:line:column: what, what is allowed`.
    """

    scope = "machine"

    def __init__(self, message: str, *, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class StateError(NeedsUserError):
    """The state file must not be used as it is, or does not belong to these outputs."""

    scope = "machine"
    gate = "state"


class AlreadyRunningError(StateError):
    """Another process has the state file."""


class UsageError(NeedsUserError):
    """A command's words do not fit."""
