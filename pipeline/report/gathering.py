"""Everything that a report tells, gathered while the rows of a manifest pass by once; constant memory (I6)."""

from __future__ import annotations

from datetime import datetime

from pipeline.models import Place, RememberedRow, State
from pipeline.report.shows import Shows
from pipeline.report.spreads import Spread
from pipeline.report.timeline import Timeline
from pipeline.report.troubles import Suspects, Troubles, told

_MINUTE_S = 60
LENGTHS_S = tuple(minutes * _MINUTE_S for minutes in (1, 5, 10, 20, 30, 45, 60, 90, 120, 180))
WAITS_S = (5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SUSPECTS_SHOWN = 12


class Gathering:
    """What a report tells of a run and of its archive. An onlooker of a manifest that is made, or read again."""

    def __init__(self, archive: Place, run_id: str, started_at: datetime) -> None:
        self._archive, self._run_id, self._started_at = archive, run_id, started_at
        self.begin()

    def begin(self) -> None:
        """Forgets everything: the rows come, perhaps once more."""
        self.shows = Shows(self._archive)
        self.timeline = Timeline(self._started_at)
        self.lengths = Spread(LENGTHS_S)
        self.waits = Spread(WAITS_S)
        self.shares = Spread(SHARES)
        """What part of its audio's length a transcript took."""
        self.troubles = Troubles(self._run_id)
        self.suspects = Suspects(SUSPECTS_SHOWN)

    def add(self, row: RememberedRow) -> None:
        """The next row."""
        of_run = row.run_id == self._run_id
        self.shows.add(row, of_run=of_run)
        if row.state is not State.DONE:
            self.troubles.add(row)
        if of_run:
            self._add_of_run(row)

    def _add_of_run(self, row: RememberedRow) -> None:
        whole = told(row)
        is_done = row.state is State.DONE
        if whole.settled_at is not None and (is_done or row.state in {State.FAILED, State.UNCERTAIN}):
            self.timeline.add(whole.settled_at, whole.duration_s or 0.0, is_done=is_done)
        if not is_done:
            return
        if whole.duration_s is not None:
            self.lengths.add(whole.duration_s)
        if whole.processing_s is not None:
            self.waits.add(max(0.0, whole.processing_s))
            if whole.duration_s:
                self.shares.add(max(0.0, whole.processing_s) / whole.duration_s)
        if whole.suspect:
            self.suspects.add(whole)
