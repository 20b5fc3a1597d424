"""What the protocol asks for: each act is one thing done to the world, with its answer and the errors it may bring.

An act names no service; `performer` does it with real tools, and the exhaustive model in the tests does it in an
abstract world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.delivery import AudioUrl
from pipeline.limits.base import Amount
from pipeline.models import Answer, Intent, ManifestRow, PaidRequest, Sidecar
from pipeline.runs.base import StopOrder
from pipeline.transcribe.act import Act
from pipeline.transcribe.intents import Kept
from pipeline.transcribe.preflight import SourceFacts
from pipeline.transcribe.results import Standing

# The run and the lease, in Redis.


@dataclass(frozen=True, slots=True)
class AskOrder(Act[StopOrder | None]):
    """Asks whether an order says to submit nothing more."""


@dataclass(frozen=True, slots=True)
class TakeLease(Act[str | None]):
    """Takes the job for this worker; its fencing token, or None when another slot has it."""


@dataclass(frozen=True, slots=True)
class IsWanted(Act[bool]):
    """Whether the job's run still waits for it."""


@dataclass(frozen=True, slots=True)
class HoldsLease(Act[bool]):
    """Whether the lease of this token is still ours. True also while Redis does not answer."""

    lease: str


@dataclass(frozen=True, slots=True)
class ParkLease(Act[None]):
    """Gives the lease up for that long: the job comes back by itself."""

    lease: str
    for_s: float


@dataclass(frozen=True, slots=True)
class HandBack(Act[None]):
    """Gives the job back as not started, for its message goes back to the queue."""

    lease: str


@dataclass(frozen=True, slots=True)
class Release(Act[None]):
    """Ends the lease."""

    lease: str


@dataclass(frozen=True, slots=True)
class Settle(Act[bool]):
    """Hands in the row of the job; False when it is a repeat, or when `lease` is given and is not ours any more."""

    row: ManifestRow
    lease: str | None


@dataclass(frozen=True, slots=True)
class DropJob(Act[None]):
    """Forgets the job without a row, unless another worker holds it: it stays to be planned again."""

    lease: str | None


@dataclass(frozen=True, slots=True)
class StopRun(Act[None]):
    """Orders every worker to submit nothing more, and wakes what waits in this one."""

    order: StopOrder


# The limits, in Redis.


@dataclass(frozen=True, slots=True)
class TakePermit(Act[None]):
    """Waits for the right to have one request in flight, under the name of the lease."""

    lease: str


@dataclass(frozen=True, slots=True)
class CountInFlight(Act[None]):
    """Counts this request as in flight, in place of the lease's permit; beyond the limit when there is none."""

    request: PaidRequest
    lease: str


@dataclass(frozen=True, slots=True)
class GiveBackPermit(Act[None]):
    """Gives a permit back: a lease's, under which nothing was sent, or that of a request which is over."""

    name: str


@dataclass(frozen=True, slots=True)
class TakeTurn(Act[None]):
    """Waits for the rate limit."""


@dataclass(frozen=True, slots=True)
class SlowDown(Act[None]):
    """fal refused or failed a submission: fewer at once from now on, and none for `pause_s`."""

    pause_s: float


@dataclass(frozen=True, slots=True)
class Reserve(Act[str]):
    """Reserves the cost of the request; the ticket of this very reservation. Raises `BudgetReachedError`."""

    amount: Amount


@dataclass(frozen=True, slots=True)
class WithdrawReservation(Act[None]):
    """Nothing was sent under this ticket. Another worker's reservation for the job stays."""

    ticket: str


@dataclass(frozen=True, slots=True)
class SettleCost(Act[None]):
    """Replaces whatever is reserved for the job by what it has really cost."""

    amount: Amount


@dataclass(frozen=True, slots=True)
class MaySubmit(Act[str | None]):
    """The last look before the paid POST: None when the way is free, else the reason why it is not.

    A stop order, lease and permit (`lease_lost`), the reservation (`budget_changed`), the time (`after_deadline`).
    """

    lease: str
    ticket: str | None


# What lies in S3.


@dataclass(frozen=True, slots=True)
class LookAtSidecar(Act[Standing]):
    """What stands where the sidecar goes. Raises `ForeignObjectError`."""


@dataclass(frozen=True, slots=True)
class ReadIntent(Act[Kept | None]):
    """The intent of the job as it lies in S3."""


@dataclass(frozen=True, slots=True)
class WriteIntent(Act[Kept]):
    """Writes the intent if nobody else has since `etag` was seen (None: there was none).

    Raises `PreconditionFailedError` when somebody has.
    """

    intent: Intent
    etag: str | None


@dataclass(frozen=True, slots=True)
class Probe(Act[SourceFacts]):
    """The preflight: is it audio, and how long? Raises `AudioRejectedError` and its kin."""


@dataclass(frozen=True, slots=True)
class SourceIsUnchanged(Act[bool]):
    """Whether the source is still the version that was planned."""


@dataclass(frozen=True, slots=True)
class WriteSidecar(Act[ManifestRow]):
    """Writes the sidecar where `standing` was seen, then the derived formats.

    Raises `ForeignObjectError` when something else has taken the place; the transcript is then kept elsewhere.
    """

    sidecar: Sidecar
    standing: Standing


@dataclass(frozen=True, slots=True)
class KeepUnplaced(Act[str]):
    """Keeps a transcript that was paid for and has no place; its address."""

    sidecar: Sidecar


# What fal does.


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A URL that lets fal read the audio until `expires_at`; None: for ever. In no log, and in S3 only as a hash."""

    url: str = field(repr=False)
    expires_at: datetime | None
    webhook_token: str | None = None
    """Drawn anew for each submission that fal is to call back for."""


@dataclass(frozen=True, slots=True)
class Upload(Act[AudioUrl]):
    """Brings the audio to fal's storage, which costs nothing and may be done again. Raises `SourceGoneError`."""


@dataclass(frozen=True, slots=True)
class Sign(Act[SignedUrl]):
    """Makes the URL that fal is given: signed for this version of the audio, public, or that of the upload."""

    version_id: str | None
    uploaded: AudioUrl | None


@dataclass(frozen=True, slots=True)
class Post(Act[PaidRequest]):
    """The paid POST, once. Raises `UncertainError` when its reply was lost; no other error costs anything."""

    url: SignedUrl


@dataclass(frozen=True, slots=True)
class Find(Act[PaidRequest | None]):
    """Looks for the request of an intent in fal's history. Raises `UncertainError` when that cannot tell."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Wait(Act[None]):
    """Waits until fal calls the request completed."""

    request: PaidRequest
    audio_s: float | None
    is_called_back: bool = False
    """Whether fal was asked to call when it is over."""


@dataclass(frozen=True, slots=True)
class Fetch(Act[Answer]):
    """Fetches the result. Raises what the request failed with, or `ResultExpiredError`."""

    request: PaidRequest


@dataclass(frozen=True, slots=True)
class DeletePayloads(Act[None]):
    """Asks fal to delete its copies of a request whose sidecar is safe. Fails without a word to the protocol."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Cancel(Act[None]):
    """Asks fal to drop a request that nobody will wait for; never raises."""

    request: PaidRequest


# The worker itself.


@dataclass(frozen=True, slots=True)
class AskTime(Act[datetime]):
    """The time, UTC."""


@dataclass(frozen=True, slots=True)
class Note(Act[None]):
    """A line for the log; `request_id` also names the job's request in all lines that follow."""

    name: str
    level: Literal["info", "warning", "error"] = "info"
    request_id: str | None = None
    reason: str | None = None
    error: Exception | None = None
    """Its traceback goes with the line."""
