"""The preflight of a job: is this audio, and how long? Poison stops here, before anything is paid (I11)."""

from __future__ import annotations

from pipeline.audio.base import AudioFacts, AudioProbe, RangeReader
from pipeline.errors import ConfigurationError, SourceUnreadableError
from pipeline.models import AudioObject
from pipeline.storage.base import Storage


def preflight(audio: AudioObject, storage: Storage, probe: AudioProbe) -> AudioFacts:
    """Reads a few ranges.

    Raises `AudioRejectedError` for what is no audio, `SourceGoneError` for what has changed, `SourceUnreadableError`
    for what S3 does not hand out: one such object must not stop the run.
    """
    try:
        return probe.probe(audio, ObjectReader(storage, audio))
    except ConfigurationError as error:
        raise SourceUnreadableError(f"{error.message} Nothing was paid.") from error


class ObjectReader(RangeReader):
    """Ranged reads of exactly the version that was planned."""

    def __init__(self, storage: Storage, audio: AudioObject) -> None:
        self._storage = storage
        self._audio = audio

    @property
    def size_bytes(self) -> int:
        """See `RangeReader.size_bytes`."""
        return self._audio.size_bytes

    def read(self, start: int, length: int) -> bytes:
        """See `RangeReader.read`."""
        return self._storage.read_range(self._audio.bucket, self._audio.key, start, length, if_match=self._audio.etag)
