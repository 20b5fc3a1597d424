"""A run tells how far it is: once a second at most, to whoever looks into Redis from anywhere."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.cli.counts import Counts
from pipeline.cli.wishes import Wish, now
from pipeline.errors import ServiceUnavailableError
from pipeline.limits.base import BudgetUse
from pipeline.models import Phase, Progress, State, Trouble
from pipeline.runs.base import Runs, RunTicket
from pipeline.submit import Event, SettledRow

_EVERY_S = 1.0  # a person's eye and a scrape need no more
_PACE_OVER_S = 60.0


@dataclass
class Telling:
    """What watchers of a run are told. `counts` holds the event when `heed` is called with it."""

    runs: Runs
    ticket: RunTicket
    wish: Wish
    counts: Counts
    started_at: datetime
    _told_at: float = float("-inf")
    troubles: deque[Trouble] = field(default_factory=lambda: deque(maxlen=Trouble.most_told))
    """What went wrong lately, newest first."""
    _pace: deque[tuple[float, float]] = field(default_factory=deque)

    def heed(self, event: Event) -> None:
        """Remembers what went wrong, and tells when it is time."""
        if isinstance(event, SettledRow) and event.row.state is not State.DONE:
            self.troubles.appendleft(Trouble.of(event.row))
        if time.monotonic() - self._told_at >= _EVERY_S:
            self._tell(Phase.TRANSCRIBING if self.counts.planned else Phase.PLANNING)

    def end(self, phase: Phase, said: str = "") -> None:
        """Tells how it ended."""
        self._tell(phase, said)

    def _tell(self, phase: Phase, said: str = "") -> None:
        self._told_at = time.monotonic()
        with suppress(ServiceUnavailableError):  # nobody can watch then, and the run has its own patience
            self.runs.show_progress(self.ticket, self._progress(phase, said))

    def _progress(self, phase: Phase, said: str) -> Progress:
        counts = self.counts
        states = {State.DONE: counts.done, State.FAILED: counts.failed + counts.failed_in_plan}
        states |= {State.UNCERTAIN: counts.uncertain, State.PENDING: counts.left_pending}
        return Progress(
            run_id=self.ticket.run_id,
            archive=self.wish.archive,
            output=self.wish.output,
            endpoint_id=self.wish.recipe.endpoint_id,
            phase=phase,
            said=said,
            started_at=self.started_at,
            updated_at=now(),
            by_state={state.value: number for state, number in states.items()},
            by_reason=dict(counts.by_reason),
            enqueued=counts.enqueued + counts.seconds,
            outstanding=counts.outstanding,
            queued=counts.queued,
            skipped=counts.skipped,
            gone=counts.gone,
            suspect=counts.still_suspect,
            audio_s=counts.audio_s,
            cost_usd=counts.cost_usd,
            cost_unknown=counts.cost_unknown,
            audio_s_per_s=self._recent_pace(),
            left_s=counts.left_s,
            troubles=tuple(self.troubles),
            **_budget(counts.budget),
        )

    def _recent_pace(self) -> float | None:
        moment = time.monotonic()
        self._pace.append((moment, self.counts.audio_s))
        while len(self._pace) > 1 and moment - self._pace[0][0] > _PACE_OVER_S:
            self._pace.popleft()
        since, audio_s = self._pace[0]
        return (self.counts.audio_s - audio_s) / (moment - since) if moment > since else None


def _budget(use: BudgetUse | None) -> dict[str, float | None]:
    if use is None:
        return {}
    return {
        "ceiling_usd": use.ceiling.cost_usd,
        "ceiling_audio_s": use.ceiling.audio_s,
        "spent_usd": use.spent.cost_usd,
        "reserved_usd": use.reserved.cost_usd,
        "spent_audio_s": use.spent.audio_s,
        "reserved_audio_s": use.reserved.audio_s,
    }
