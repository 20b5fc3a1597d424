"""What becomes of a run: its manifest, or what a ceiling has left undone."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline import pricing
from pipeline.models import AudioObject, Manifest, ManifestRow
from pipeline.settings import AudioSettings


@dataclass
class Shortfall:
    """What a ceiling has left undone."""

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

    def add_left(self, audio: AudioObject | ManifestRow, settings: AudioSettings) -> None:
        """Counts an object that is left."""
        self.left += 1
        self._left_bytes += audio.size_bytes
        self._assumed_s += pricing.assumed_duration_s(settings, audio)

    @property
    def audio_s(self) -> float:
        """The length of what is left: by the bit rate of what was done, else by the usual one."""
        return self._left_bytes * self._done_s / self._done_bytes if self._done_s else self._assumed_s


@dataclass
class Outcome:
    """What became of a run, filled while its events are read."""

    run_id: str = ""
    manifest: Manifest | None = None
    """None while the run is unfinished."""
    has_begun: bool = False
    """Whether any job was handed on to the queue."""
    shortfall: Shortfall = field(default_factory=Shortfall)
