"""The objects of the sample archive as a table: key, content, and what a correct run makes of each. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emulator.archive.clips import clips
from emulator.archive.encoding import Encoding

PAUSE_S = 0.7  # between the recordings of one episode; long enough to be heard as an end
_SILENCE_S = 120.0
_SONNETS = ("sonnet-1", "sonnet-2", "sonnet-3")
_AUSTEN = ("austen-1", "austen-2", "austen-3", "austen-4", "austen-5")


class Expected(StrEnum):
    """What a correct run makes of an object."""

    DONE = "done"
    NO_SPEECH = "no_speech"
    """Transcribed, and nothing was said: a result, not an error."""
    FAILED = "failed"
    """One row that names the reason, and no sidecar. Zero bytes show in the listing: skipped, with a reason."""


class Damage(StrEnum):
    """What is wrong with a bad object."""

    EMPTY = "zero bytes"
    HTML = "an HTML page"
    CUT = "cut before its index"
    SILENT = "two minutes of silence"


@dataclass(frozen=True)
class Episode:
    """One object: its key, the clips read in it, how they are written, and the damage if it is a bad one."""

    key: str
    clips: tuple[str, ...]
    encoding: Encoding
    rate_hz: int
    damage: Damage | None = None

    @property
    def expected(self) -> Expected:
        """What a correct run makes of it."""
        if self.damage is None:
            return Expected.DONE
        return Expected.NO_SPEECH if self.damage is Damage.SILENT else Expected.FAILED

    @property
    def title(self) -> str:
        """The last part of the key without its extension."""
        return self.key.rsplit("/", 1)[-1].rsplit(".", 1)[0]

    @property
    def duration_s(self) -> float | None:
        """The length of the audio; None when the object is no audio at all."""
        if self.damage is Damage.SILENT:
            return _SILENCE_S
        if self.damage is not None:
            return None
        return sum(clips()[name].duration_s for name in self.clips) + PAUSE_S * (len(self.clips) - 1)

    @property
    def reference(self) -> str | None:
        """The words that are read; None when nothing can be understood."""
        if self.damage is not None:
            return None
        return " ".join(clips()[name].text for name in self.clips)


EPISODES: tuple[Episode, ...] = (
    Episode("sonnets-aloud/2024/01 From fairest creatures.mp3", ("sonnet-1",), Encoding.MP3, 44_100),
    Episode("sonnets-aloud/2024/02 When forty winters.m4a", ("sonnet-2",), Encoding.M4A, 44_100),
    Episode("sonnets-aloud/2024/03 Look in thy glass.ogg", ("sonnet-3",), Encoding.OGG_VORBIS, 44_100),
    Episode(
        "sonnets-aloud/2025/The long night: twice + Austen.mp3", _SONNETS + _AUSTEN + _SONNETS, Encoding.MP3, 24_000
    ),
    Episode("Jane Austen à voix haute/épisode 1.opus", ("austen-1",), Encoding.OGG_OPUS, 24_000),
    Episode("Jane Austen à voix haute/épisode 2.wav", ("austen-2",), Encoding.WAV, 16_000),
    Episode("Jane Austen à voix haute/épisode 3.flac", ("austen-3",), Encoding.FLAC, 16_000),
    Episode("Jane Austen à voix haute/épisode 4.mp3", ("austen-4",), Encoding.MP3, 24_000),
    Episode("Jane Austen à voix haute/épisode 5.m4a", ("austen-5",), Encoding.M4A, 24_000),
    Episode("Jane Austen à voix haute/intégrale (1-5).ogg", _AUSTEN, Encoding.OGG_OPUS, 48_000),
    Episode("朗読/ソネット 第二番.wav", ("sonnet-2",), Encoding.WAV, 16_000),
    Episode("Lyrik & Lärm/100% Größe #3.flac", ("sonnet-3",), Encoding.FLAC, 24_000),
    Episode("odds and ends/zero bytes.mp3", (), Encoding.MP3, 24_000, Damage.EMPTY),
    Episode("odds and ends/404 not found.mp3", (), Encoding.MP3, 24_000, Damage.HTML),
    Episode("odds and ends/upload cut off.m4a", ("sonnet-1",), Encoding.M4A, 44_100, Damage.CUT),
    Episode("odds and ends/two minutes of silence.mp3", (), Encoding.MP3, 24_000, Damage.SILENT),
)
