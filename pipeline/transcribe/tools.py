"""What the performer works with, made once per worker process by `wiring`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from pipeline.audio.base import AudioProbe
from pipeline.cancellation import CancellationToken
from pipeline.limits.base import Budget, Rate
from pipeline.limits.turns import PermitLine
from pipeline.meters import Meters
from pipeline.runs.base import Runs, StopOrder
from pipeline.runs.held import HeldLeases
from pipeline.runs.notices import Notices
from pipeline.runs.unshown import Unshown
from pipeline.speech.base import Transcriber
from pipeline.storage.base import Storage
from pipeline.transcribe.rules import Rules


class Breaker:
    """Whether this process may submit: an order of its own counts before the others can know of it."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._own: StopOrder | None = None

    def order(self, run_id: str) -> StopOrder | None:
        """The order in force for the jobs of a run. Raises `ServiceUnavailableError`."""
        own = self._own
        if own is not None and own.stops(run_id):
            return own
        order = self._runs.stop_order()
        return order if order is not None and order.stops(run_id) else None

    def trip(self, order: StopOrder, tell: Callable[[Callable[[], None]], object]) -> None:
        """Stops this process at once, and all others as soon as `tell` (which insists) has got through."""
        self._own = order
        tell(lambda: self._runs.stop(order))
        self._own = None  # from here on the server knows, and a new run may clear it


@dataclass(frozen=True, slots=True)
class Tools:
    """What the performer works with; one record per worker process."""

    rules: Rules
    storage: Storage
    transcriber: Transcriber
    runs: Runs
    leases: HeldLeases
    permits: PermitLine
    rate: Rate
    budget: Budget
    probe: AudioProbe
    cancel: CancellationToken
    now: Callable[[], datetime]
    notices: Notices | None = None
    """What webhooks tell; None where none are heard."""
    unshown: Unshown | None = None
    """Requests that fal's history shows without their input; None: such rows are held for what is looked for."""
    meters: Meters = field(default_factory=Meters)
    """What this process counts, for the exporter."""
    breaker: Breaker = field(init=False)
    undeleted: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers the requests of this process whose payloads fal did not delete."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "breaker", Breaker(self.runs))
