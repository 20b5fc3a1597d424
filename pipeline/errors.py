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
    │   ├── SuspectAgainError          a second opinion is as doubtful as the first
    │   └── ForeignObjectError         an object that we did not write stands where we must write
    ├── AccountError               fal refuses the account: 401, 402, 403; the run stops
    ├── BudgetReachedError         the next request does not fit under the run's ceiling; the run stops
    ├── DeadlineReachedError       the time has come from which nothing new is submitted; the run ends
    ├── ConfigurationError         a setting, argument or server is wrong; a person must act
    │   └── RunActiveError             another run over the same archive is alive
    └── UncertainError             it cannot be known whether fal accepted a request; never guessed

`reason` is the stable name that rows, metrics and the retry table use; the message is for people. An error
never carries a secret: whoever builds one passes foreign text through `redaction.redact` first.

What follows from an error stands at its class as `handling`: `retry` decides by it, and docs/errors.md is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal

EXIT_DONE = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_BUDGET = 3
EXIT_ACCOUNT = 4
EXIT_RUN_ACTIVE = 5
EXIT_DEADLINE = 6
EXIT_INTERRUPTED = 130  # the shell's convention for a program ended by Ctrl-C


class ThisRun(Enum):
    """What becomes of the job, or of the command, in the run that meets the error."""

    NEW_REQUEST = "new request"
    """Up to `retry.max_attempts`."""
    PUT_OFF = "put off"
    """Up to `retry.max_deferrals` in a row; no request was made, no attempt is spent."""
    FAILED = "failed"
    STOPPED = "the run stops"
    UNCERTAIN = "parked"
    """As `uncertain`, once fal's request history has been asked for `fal.reconcile_patience_s`."""


class LaterRuns(Enum):
    """What later runs do with the object."""

    PLANNED_AGAIN = "planned again"
    ON_DEMAND = "only by `nightscribe retry-failed`"
    ON_REBILL = "only by `nightscribe retry-failed --allow-rebill`"
    ASKED_AGAIN = "fal's request history is asked again"


Billed = Literal["no", "maybe", "yes"]
"""Whether fal bills for the request that ended in the error; a request that goes on is not the error's."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What follows from an error, for the program and for people. `note` adds to `later_runs`, in words."""

    this_run: ThisRun
    later_runs: LaterRuns
    billed: Billed
    action: str
    note: str = ""

    @property
    def is_permanent(self) -> bool:
        """Whether the object itself is at fault, so that only a person has it tried again."""
        return self.later_runs in {LaterRuns.ON_DEMAND, LaterRuns.ON_REBILL}


BILLED_BY_REASON: Mapping[str, Billed] = {
    # the preflight's: no request was made
    "not_audio": "no",
    "no_audio_stream": "no",
    # fal's own refusal of the request, before any model
    "bad_request": "no",
    # the request had begun and ended in a 4xx, for which fal may charge the runner's time (docs/fal.md section 12)
    "file_download_error": "maybe",
    "downstream_service_error": "maybe",
    "client_disconnected": "maybe",
    "client_cancelled": "maybe",
    # given up on while it goes on
    "wait_timeout": "maybe",
    "still_in_progress": "maybe",
    "unreadable_result": "maybe",
    "unexpected_host": "maybe",
}
"""The reasons that know better than their class whether fal bills."""


class NightscribeError(Exception):
    """The base of the tree. `reason` names the case; `delay_s` is how long the other side asked us to wait.

    Its own `handling` is that of every failure of ours that is none of the leaves.
    """

    default_reason: ClassVar[str] = "error"
    exit_code: ClassVar[int] = EXIT_SOME_FAILED
    handling: ClassVar[Handling] = Handling(
        ThisRun.FAILED, LaterRuns.PLANNED_AGAIN, "maybe", "report it with the worker's log"
    )

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
    handling = Handling(ThisRun.PUT_OFF, LaterRuns.PLANNED_AGAIN, "no", "nothing: another worker is at it")


class ServiceUnavailableError(TransientError):
    """A service did not answer, or answered that it cannot."""

    default_reason = "service_unavailable"
    handling = Handling(
        ThisRun.PUT_OFF, LaterRuns.PLANNED_AGAIN, "no", "look at the service that the message names; run again"
    )


class ThrottledError(TransientError):
    """A service asked us to slow down; waiting for it spends no attempt (I4)."""

    default_reason = "throttled"
    handling = Handling(
        ThisRun.PUT_OFF, LaterRuns.PLANNED_AGAIN, "no", "nothing; lower `limits.submits_per_s` if it stays"
    )


class RequestFailedError(TransientError):
    """fal accepted the request and then failed on its own side; 5xx answers are not billed."""

    default_reason = "request_failed"
    handling = Handling(
        ThisRun.NEW_REQUEST, LaterRuns.PLANNED_AGAIN, "no", "nothing; if it stays, look at fal's status page"
    )


class BadInputError(NightscribeError):
    """This object cannot be transcribed as it is; trying again costs and changes nothing."""

    default_reason = "bad_input"
    handling = Handling(ThisRun.FAILED, LaterRuns.ON_DEMAND, "no", "check `--arg` against the model's page")


class AudioRejectedError(BadInputError):
    """The preflight or the model refused the audio."""

    default_reason = "audio_rejected"
    handling = Handling(ThisRun.FAILED, LaterRuns.ON_DEMAND, "maybe", "mend, replace or exclude the audio")


class SourceUnreadableError(BadInputError):
    """S3 refuses to hand out this object, and others perhaps not: archived, encrypted, or not allowed."""

    default_reason = "source_unreadable"
    handling = Handling(
        ThisRun.FAILED, LaterRuns.ON_DEMAND, "no", "restore the object, or allow reading it; or exclude it"
    )


class SourceGoneError(BadInputError):
    """The object was deleted or replaced since it was planned."""

    default_reason = "source_gone"
    handling = Handling(
        ThisRun.FAILED, LaterRuns.ON_DEMAND, "no", "nothing", note="a replaced object is planned as a new one"
    )


class ResultExpiredError(BadInputError):
    """fal has forgotten a result that was paid for; only an explicit re-bill transcribes it again."""

    default_reason = "result_expired"
    handling = Handling(ThisRun.FAILED, LaterRuns.ON_REBILL, "yes", "decide whether to pay again")


class SuspectAgainError(BadInputError):
    """A second opinion on a suspect transcript is suspect itself; the first keeps its place (docs/lint.md)."""

    default_reason = "suspect_again"
    handling = Handling(
        ThisRun.FAILED,
        LaterRuns.ON_REBILL,
        "yes",
        "listen: two models had trouble; the second transcript is in `_nightscribe/unplaced/`",
        note="the object itself is done, with its first transcript",
    )


class ForeignObjectError(BadInputError):
    """An object that Nightscribe did not write stands where the sidecar must go (I8).

    Met before the submission nothing was paid; met after it the transcript is kept under `_nightscribe/unplaced/`.
    """

    default_reason = "foreign_sidecar"
    handling = Handling(
        ThisRun.FAILED,
        LaterRuns.ON_DEMAND,
        "maybe",
        "move the file away, or use `--output`; what was paid for is in `_nightscribe/unplaced/`",
        note="planned again once the place is free, where the listing had shown the file",
    )


class AccountError(NightscribeError):
    """fal refuses the account; everything stays resumable."""

    default_reason = "account"
    exit_code = EXIT_ACCOUNT
    handling = Handling(ThisRun.STOPPED, LaterRuns.PLANNED_AGAIN, "no", "mend key or balance; run again")


class BudgetReachedError(NightscribeError):
    """The next request does not fit under the run's ceiling; a higher one continues the run."""

    default_reason = "budget_reached"
    exit_code = EXIT_BUDGET
    handling = Handling(ThisRun.STOPPED, LaterRuns.PLANNED_AGAIN, "no", "run again with a higher ceiling")


class DeadlineReachedError(NightscribeError):
    """The time has come from which nothing new is submitted, and something is left for the next run."""

    default_reason = "after_deadline"
    exit_code = EXIT_DEADLINE
    handling = Handling(
        ThisRun.STOPPED, LaterRuns.PLANNED_AGAIN, "no", "nothing: the next night goes on; or run again, later than that"
    )


class ConfigurationError(NightscribeError):
    """A setting, an argument or a server is wrong, and only a person can mend it."""

    default_reason = "configuration"
    exit_code = EXIT_USAGE
    handling = Handling(
        ThisRun.STOPPED, LaterRuns.PLANNED_AGAIN, "no", "do what the message says: every job would meet it; run again"
    )


class RunActiveError(ConfigurationError):
    """Another run over the same archive is alive."""

    default_reason = "run_active"
    exit_code = EXIT_RUN_ACTIVE
    handling = Handling(ThisRun.STOPPED, LaterRuns.PLANNED_AGAIN, "no", "wait for the other run (`nightscribe status`)")


class UncertainError(NightscribeError):
    """A paid POST got no answer: it may or may not have been accepted, and is never re-sent on a guess."""

    default_reason = "submit_reply_lost"
    handling = Handling(
        ThisRun.UNCERTAIN,
        LaterRuns.ASKED_AGAIN,
        "maybe",
        "nothing; where the history cannot tell, look at fal's dashboard, then `nightscribe retry-failed "
        "--allow-rebill`",
    )
