"""Every error that Nightscribe raises on purpose, as one closed tree.

    NightscribeError
    ├── TransientError             the world failed; the same act may succeed later
    │   ├── ServiceUnavailableError    fal, S3 or Redis did not answer, or answered 5xx
    │   ├── ThrottledError             asked to slow down (429, SlowDown)
    │   └── RequestFailedError         fal accepted the request, then failed on its own side (runner errors)
    ├── BadInputError              this object cannot be transcribed; nobody else is harmed
    │   ├── AudioRejectedError         the model or the preflight refused the audio
    │   ├── SourceUnreadableError      S3 refuses to hand this object out (archived, encrypted, not allowed)
    │   ├── SourceGoneError            the object was deleted or replaced since it was planned
    │   ├── ResultExpiredError         fal has forgotten a result that was paid for
    │   └── ForeignObjectError         an object that we did not write stands where we must write
    ├── AccountError               fal refuses the account: 401, 402, 403; the run stops
    ├── ConfigurationError         a setting, argument or server is wrong; a person must act
    │   └── RunActiveError             another run over the same archive is alive
    └── UncertainError             it cannot be known whether fal accepted a request; never guessed

`reason` is the stable name that rows, metrics and the retry table use; the message is for people. An error
never carries a secret: whoever builds one passes foreign text through `redaction.redact` first.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_DONE = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_BUDGET = 3
EXIT_ACCOUNT = 4
EXIT_RUN_ACTIVE = 5
EXIT_INTERRUPTED = 130  # the shell's convention for a program ended by Ctrl-C


class NightscribeError(Exception):
    """The base of the tree. `reason` names the case; `delay_s` is how long the other side asked us to wait."""

    default_reason: ClassVar[str] = "error"
    exit_code: ClassVar[int] = EXIT_SOME_FAILED

    def __init__(self, message: str, reason: str | None = None, delay_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.delay_s = delay_s

    def __reduce__(self) -> tuple[type[NightscribeError], tuple[str, str, float | None]]:
        # Celery moves exceptions between processes; pickling must keep every field.
        return type(self), (self.message, self.reason, self.delay_s)


class TransientError(NightscribeError):
    """The same act may succeed later. A command that cannot even begin for it ends like a wrong configuration."""

    default_reason = "transient"
    exit_code = EXIT_USAGE


class ServiceUnavailableError(TransientError):
    """A service did not answer, or answered that it cannot."""

    default_reason = "service_unavailable"


class ThrottledError(TransientError):
    """A service asked us to slow down; waiting for it spends no attempt (I4)."""

    default_reason = "throttled"


class RequestFailedError(TransientError):
    """fal accepted the request and then failed on its own side; 5xx answers are not billed."""

    default_reason = "request_failed"


class BadInputError(NightscribeError):
    """This object cannot be transcribed as it is; trying again costs and changes nothing."""

    default_reason = "bad_input"


class AudioRejectedError(BadInputError):
    """The preflight or the model refused the audio."""

    default_reason = "audio_rejected"


class SourceUnreadableError(BadInputError):
    """S3 refuses to hand out this object, and others perhaps not: archived, encrypted, or not allowed."""

    default_reason = "source_unreadable"


class SourceGoneError(BadInputError):
    """The object was deleted or replaced since it was planned."""

    default_reason = "source_gone"


class ResultExpiredError(BadInputError):
    """fal has forgotten a result that was paid for; only an explicit re-bill transcribes it again."""

    default_reason = "result_expired"


class ForeignObjectError(BadInputError):
    """An object that Nightscribe did not write stands where the sidecar must go (I8)."""

    default_reason = "foreign_sidecar"


class AccountError(NightscribeError):
    """fal refuses the account; everything stays resumable."""

    default_reason = "account"
    exit_code = EXIT_ACCOUNT


class ConfigurationError(NightscribeError):
    """A setting, an argument or a server is wrong, and only a person can mend it."""

    default_reason = "configuration"
    exit_code = EXIT_USAGE


class RunActiveError(ConfigurationError):
    """Another run over the same archive is alive."""

    default_reason = "run_active"
    exit_code = EXIT_RUN_ACTIVE


class UncertainError(NightscribeError):
    """A paid POST got no answer: it may or may not have been accepted, and is never re-sent on a guess."""

    default_reason = "submit_reply_lost"
