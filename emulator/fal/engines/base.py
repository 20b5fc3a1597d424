"""The interface of an engine, and the speech it hears. Knows nothing of endpoints and their output shapes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class UndecodableError(Exception):
    """The file holds no audio that can be decoded."""


@dataclass(frozen=True)
class Word:
    """One word with its leading space, in seconds from the start."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Segment:
    """A few words said together; its text begins with a space, as whisper's does. `words` may be empty."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Speech:
    """What was heard in one file. No segments means silence."""

    duration_s: float
    segments: tuple[Segment, ...]


class Engine(Protocol):
    """Turns an audio file into speech."""

    async def listen(self, audio_path: str, file: Path | None, *, words: bool) -> Speech:
        """Hears `file`, which is None when nothing was downloaded; `words` asks for word times.

        `audio_path` is the path of the URL the audio came from. Raises UndecodableError.
        """
