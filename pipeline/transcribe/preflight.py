"""The preflight of a job: is this audio, and how long? Poison stops here, before anything is paid (I11)."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.audio.base import AudioFacts, AudioProbe, RangeReader
from pipeline.errors import ConfigurationError, SourceUnreadableError
from pipeline.models import AudioObject
from pipeline.storage.base import Storage


@dataclass(frozen=True, slots=True)
class SourceFacts(AudioFacts):
    """What was found, and in which version of the object: that of the ETag that was planned."""

    version_id: str | None = None
    """None where the store keeps no versions."""


def preflight(audio: AudioObject, storage: Storage, probe: AudioProbe) -> SourceFacts:
    """Reads a few ranges.

    Raises `AudioRejectedError` for what is no audio, `SourceGoneError` for what has changed, `SourceUnreadableError`
    for what S3 does not hand out: one such object must not stop the run.
    """
    reader = ObjectReader(storage, audio)
    try:
        facts = probe.probe(audio, reader)
    except ConfigurationError as error:
        raise SourceUnreadableError(f"{error.message} Nothing was paid.") from error
    return SourceFacts(facts.duration_s, facts.container, reader.version_id)


class ObjectReader(RangeReader):
    """Ranged reads of exactly the version that was planned."""

    def __init__(self, storage: Storage, audio: AudioObject) -> None:
        self._storage = storage
        self._audio = audio
        self.version_id = audio.version_id
        """A listing tells none; a read does."""

    @property
    def size_bytes(self) -> int:
        """See `RangeReader.size_bytes`."""
        return self._audio.size_bytes

    def read(self, start: int, length: int) -> bytes:
        """See `RangeReader.read`."""
        audio = self._audio
        part = self._storage.read_range(audio.bucket, audio.key, start, length, if_match=audio.etag)
        self.version_id = part.version_id or self.version_id
        return part.body
