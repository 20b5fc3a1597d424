"""The identity of an archive's unfinished run, kept in S3 beside its manifests (`open.json`).

Redis may forget everything: the run is then continued under its old id, with its settled rows and its budget. A hint,
not a lock: that there is one dispatcher is up to `runs`, that nothing is paid twice to the intents.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from pipeline import keys
from pipeline.errors import ConfigurationError, RunActiveError
from pipeline.models import Place, UnfinishedRun
from pipeline.storage.base import PreconditionFailedError, Storage


@dataclass(frozen=True, slots=True)
class Noted:
    """An unfinished run as it lies in S3."""

    run: UnfinishedRun
    etag: str


class OpenRunNote:
    """The one `open.json` of an archive and its output."""

    def __init__(self, storage: Storage, output: Place, archive: Place) -> None:
        self._storage = storage
        self._bucket = output.bucket
        self._key = keys.open_run_key(output, archive)

    def read(self) -> Noted | None:
        """The run that has begun and not finished; None when there is none."""
        stored = self._storage.read(self._bucket, self._key)
        if stored is None:
            return None
        try:
            return Noted(UnfinishedRun.model_validate_json(stored.body), stored.etag)
        except ValidationError:
            raise ConfigurationError(
                f"s3://{self._bucket}/{self._key} names an unfinished run and cannot be read by this version. Upgrade "
                "Nightscribe, or move the file away: a new run then begins, which finds all sidecars.",
                "open_run_unreadable",
            ) from None

    def write(self, run: UnfinishedRun, seen: Noted | None) -> Noted:
        """Notes a run over what was seen. Raises `RunActiveError` when another dispatcher was faster."""
        if seen and seen.run == run:
            return seen
        body = run.model_dump_json(indent=1).encode()
        try:
            etag = self._storage.write(
                self._bucket, self._key, body, content_type="application/json", if_match=seen.etag if seen else None
            )
        except PreconditionFailedError:
            now = self.read()
            if now is None or now.run != run:
                raise RunActiveError(
                    f"Another run began in the same moment, as s3://{self._bucket}/{self._key} says"
                    f"{f' ({now.run.run_id})' if now else ''}. Wait for its end."
                ) from None
            return now  # this very write succeeded, and its reply was lost
        return Noted(run, etag)

    def remove(self, run_id: str) -> None:
        """Forgets a run that has finished; the note of another run is left alone."""
        noted = self.read()
        if noted and noted.run.run_id == run_id:
            self._storage.delete(self._bucket, self._key)
