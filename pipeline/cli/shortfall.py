"""What a ceiling or a deadline has left undone, counted for what is said at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline import pricing
from pipeline.manifest import Draft
from pipeline.models import AudioObject, ManifestRow, RememberedRow, State
from pipeline.plan import Request, second_job
from pipeline.settings import AudioSettings


@dataclass
class Shortfall:
    """What a ceiling or a deadline has left undone."""

    done: int = 0
    """Objects that this run has transcribed, by all its dispatchers."""
    left: int = 0
    seconds_left: int = 0
    """Suspect transcripts whose second opinion was not asked for any more."""
    seconds_s: float = 0.0
    """How long their audio is."""
    _done_bytes: int = 0
    _done_s: float = 0.0
    _left_bytes: int = 0
    _assumed_s: float = 0.0

    def add_done(self, row: ManifestRow) -> None:
        """Counts an object that was transcribed."""
        self.done += 1
        self._done_bytes += row.size_bytes
        self._done_s += row.duration_s or 0.0

    def add_second(self, row: ManifestRow) -> None:
        """Counts a suspect transcript that waits for its second opinion."""
        self.seconds_left += 1
        self.seconds_s += row.duration_s or 0.0

    def add_left(self, audio: AudioObject | ManifestRow | RememberedRow, settings: AudioSettings) -> None:
        """Counts an object that is left."""
        self.left += 1
        self._left_bytes += audio.size_bytes
        self._assumed_s += pricing.assumed_duration_s(settings, audio)

    def count(self, draft: Draft, request: Request, settings: AudioSettings, now: datetime) -> None:
        """Counts what the draft of the run's manifest shows; what was not even planned is added by itself."""
        for row in draft.suspect():
            if second_job(row, request, now):
                self.add_second(row.row())
        for row in draft.rows():
            if row.state is State.DONE and row.run_id == request.run_id:
                self.add_done(row.row())
            elif row.is_unsettled:
                self.add_left(row, settings)

    @property
    def audio_s(self) -> float:
        """The length of what is left: by the bit rate of what was done, else by the usual one."""
        return self._left_bytes * self._done_s / self._done_bytes if self._done_s else self._assumed_s
