"""The model's words: moments, jobs, intents, answers and errors as small hashable values, and the real records of each.

The explorer works with the small values; the protocol gets, and is told, the real ones. Stories, URLs' texts and costs
decide nothing and are left out, so that worlds which differ in nothing else are one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import builders

from pipeline import errors, keys
from pipeline.cancellation import Cancelled
from pipeline.delivery import AudioUrl
from pipeline.models import Handling, Intent, Job, ManifestRow, PaidRequest
from pipeline.runs.base import StopOrder
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe.acts import SignedUrl
from pipeline.transcribe.intents import Kept
from pipeline.transcribe.preflight import SourceFacts
from pipeline.transcribe.results import Standing

SETTINGS = builders.settings(NIGHTSCRIBE_RETRY_MAX_ATTEMPTS="2")

# Between two moments of the clock anything may happen; what matters is on which side of each deadline a moment lies:
# the start, past fal.reconcile_patience_s, past the URL's expiry but not past fal.history_lag_s, and then past
# everything, once a day.
_DAY = timedelta(days=1)
MOMENTS = tuple(
    builders.NOW + by
    for by in (timedelta(), timedelta(minutes=20), timedelta(hours=6, minutes=10), _DAY, 2 * _DAY, 3 * _DAY, 4 * _DAY)
)
_EXPIRY = timedelta(seconds=SETTINGS.url_lifetime_s)
_MOMENT_OF = {moment: number for number, moment in enumerate(MOMENTS)}
_SIGNED_AT = {moment + _EXPIRY: number for number, moment in enumerate(MOMENTS)}

NEVER = -1
"""In place of the moment at which a URL was made: it is public, and opens for ever."""

OUTLIVES_URLS = 2
"""From this moment on each step of the clock passes the expiry of every URL, and the start deadline at fal."""
OUTLIVES_THE_LAG = 3
"""From this moment on each step of the clock passes the lag of the history too."""

Answer = tuple[Hashable, ...]
"""What an act is answered, as a value: its kind, then what it holds."""


class IntentFacts(NamedTuple):
    """An intent as the model sees it."""

    state: str
    run_id: str
    attempt: int
    url: int
    intended_at: int
    signed_at: int
    request: tuple[int, str] | None
    failure: str | None
    past: tuple[int, ...]


class RowFacts(NamedTuple):
    """A row as the model sees it."""

    state: str
    reason: str | None
    is_permanent: bool
    attempts: int
    request: int | None


class Words:
    """Numbers for the records of one exploration; 0 is nothing."""

    def __init__(
        self,
        *,
        budgeted: bool = False,
        handling: Handling | None = None,
        is_second: bool = False,
        deadline: int | None = None,
    ) -> None:
        self._how = {"budgeted": budgeted, "second_of": "another recipe" if is_second else None}
        self._handling = handling or Handling()
        self._in_time = self._handling
        if deadline is not None:
            self._in_time = self._handling.model_copy(update={"submit_before": MOMENTS[deadline]})
        self._jobs: dict[tuple[int, int, bool], int] = {}
        self.jobs: list[Job] = []
        self.runs: list[int] = []
        """Of each job, the number of its run."""
        self._intents: dict[IntentFacts, int] = {}
        self.intent_facts: list[IntentFacts | None] = [None]
        self.kept: list[Kept | None] = [None]
        self._rows: dict[RowFacts, int] = {}
        self.rows: list[RowFacts | None] = [None]
        self._urls: dict[str, int] = {}

    def job(self, run: int, prior_attempts: int, *, taken_over: bool = False) -> int:
        """The number of a job in this run. Which object it is about matters to nobody: the world keeps it beside.

        `taken_over`: as a later night sends it that goes on with the run. Only the first night has a deadline.
        """
        facts = (run, prior_attempts, taken_over)
        if facts not in self._jobs:
            self._jobs[facts] = len(self.jobs)
            self.runs.append(run)
            handling = self._handling if run or taken_over else self._in_time
            self.jobs.append(
                builders.job(run_id=f"run{run}", prior_attempts=prior_attempts, handling=handling, **self._how)
            )
        return self._jobs[facts]

    def is_too_late(self, job: int, moment: int) -> bool:
        """Whether nothing is submitted any more for a job at that moment."""
        return self.jobs[job].handling.is_too_late(MOMENTS[moment])

    def intent(self, intent: Intent) -> int:
        """The number of an intent, whatever its story."""
        facts = IntentFacts(
            state=str(intent.state),
            run_id=intent.run_id,
            attempt=intent.attempt,
            url=self._urls[intent.url_hash],
            intended_at=_MOMENT_OF[intent.intended_at],
            signed_at=self.signed_at(intent.url_expires_at),
            request=_request_facts(intent.request) if intent.request else None,
            failure=intent.failure.reason if intent.failure else None,
            past=tuple(_request_facts(request)[0] for request in intent.past),
        )
        number = self._intents.get(facts)
        if number is None:
            number = self._intents[facts] = len(self.intent_facts)
            self.intent_facts.append(facts)
            # The ETag is one of the content, as S3's is: an intent that was put back bears its old one.
            self.kept.append(Kept(intent.model_copy(update={"story": ()}), f"etag {number}"))
        return number

    def row(self, row: ManifestRow) -> int:
        """The number of a row."""
        request = int(row.request_id.removeprefix("r-")) if row.request_id else None
        facts = RowFacts(str(row.state), row.reason, row.permanent, row.attempts, request)
        if facts not in self._rows:
            self._rows[facts] = len(self.rows)
            self.rows.append(facts)
        return self._rows[facts]

    def number(self, record: Intent | ManifestRow) -> int:
        """The number of an intent or a row."""
        return self.intent(record) if isinstance(record, Intent) else self.row(record)

    def url(self, url: str) -> int:
        """The number of a signed URL."""
        return self._urls[keys.url_hash(url)]

    @staticmethod
    def signed_at(expires_at: datetime | None) -> int:
        """The moment at which a URL was made that expires then."""
        return _SIGNED_AT[expires_at] if expires_at else NEVER

    def real(self, answer: Answer, job: int) -> Any:
        """The record, or the exception to be raised, that an answer stands for."""
        kind, *held = answer
        if kind == "kept":
            return self.kept[held[0]]
        if kind in {"signed", "uploaded"}:
            number, moment = held
            url = f"https://s3.example/{number}"
            self._urls[keys.url_hash(url)] = number
            expires_at = MOMENTS[moment] + _EXPIRY if moment != NEVER else None
            return SignedUrl(url, expires_at) if kind == "signed" else AudioUrl(url, expires_at)
        if kind == "standing":
            return self._standing(held[0], job)
        if kind == "row":
            return self._done_row(held[0], job)
        if kind == "raise":
            return _ERRORS[held[0]]()
        return _REAL[kind](*held)

    def _standing(self, sidecar: int, job: int) -> Standing:
        etag = f"etag {sidecar}" if sidecar else None
        return Standing(etag, self._done_row(sidecar, job) if ours(sidecar) else None)

    def _done_row(self, sidecar: int, job: int) -> ManifestRow:
        key, job_id = self.jobs[job].object.key, self.jobs[job].job_id
        request_id = f"r-{sidecar - 1}"
        return builders.row(key, job_id=job_id, request_id=request_id, duration_s=60.0, cost_usd=0.5)


NOTHING, STRANGERS, OLDER, NEWER = 0, -1, -2, -3
"""What stands where a sidecar goes: nothing, a stranger's file, an older one of ours, one that replaced it meanwhile.
A number from 1 is this job's own: of the request with the number before."""


def ours(sidecar: int) -> bool:
    """Whether the job's own sidecar is there."""
    return sidecar > 0


def _request(number: int, told_by: str) -> PaidRequest:
    # fal's history tells its own time of submission, so that the two records of one request are never equal.
    by = timedelta(seconds=1) if told_by == "history" else timedelta()
    return builders.request(f"r-{number}").model_copy(update={"submitted_at": builders.NOW + by})


def _request_facts(request: PaidRequest) -> tuple[int, str]:
    told_by = "reply" if request.submitted_at == builders.NOW else "history"
    return int(request.request_id.removeprefix("r-")), told_by


def request_number(request: PaidRequest) -> int:
    """The number of a request at fal, among those of its job."""
    return _request_facts(request)[0]


_REAL: dict[str, Callable[..., Any]] = {
    "none": lambda: None,
    "yes": lambda: True,
    "no": lambda: False,
    "token": lambda number: f"token {number}",
    "ticket": lambda number: f"ticket {number}",
    "time": lambda moment: MOMENTS[moment],
    "facts": lambda: SourceFacts(60.0, "mp3", None),
    "text": lambda text: text,
    "order": lambda: StopOrder("payment_required", "pay"),
    "request": _request,
    "transcript": lambda: builders.answer(""),  # a minute without speech is nothing to doubt
    "doubtful": builders.answer,  # two seconds of text in a minute of audio
}
_ERRORS: dict[str, Callable[[], Exception]] = {
    "Cancelled": Cancelled,
    "Precondition": lambda: PreconditionFailedError("etag"),
    "Unavailable": lambda: errors.ServiceUnavailableError("away"),
    "Throttled": lambda: errors.ThrottledError("slow down"),
    "Account": lambda: errors.AccountError("pay", "payment_required"),
    "ReplyLost": lambda: errors.UncertainError("lost"),
    "Unreadable": lambda: errors.UncertainError("unreadable", "history_unreadable"),
    "Foreign": lambda: errors.ForeignObjectError("a stranger's"),
    "RequestFailed": lambda: errors.RequestFailedError("fal failed"),
    "Rejected": lambda: errors.AudioRejectedError("no audio"),
    "ResultExpired": lambda: errors.ResultExpiredError("forgotten"),
    "BudgetReached": lambda: errors.BudgetReachedError("too much"),
    "BudgetUnknown": lambda: errors.ServiceUnavailableError("unknown", "budget_unknown"),
}
