"""An archive in memory as a finished run leaves it: audio, sidecars and a manifest, as the stages write them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import builders
from stages import intent_of

from pipeline import keys, manifest
from pipeline.discover import selection
from pipeline.manifest import Draft, RunFacts
from pipeline.manifest.sums import Sums
from pipeline.models import AudioObject, Cost, Latest, Manifest, ManifestRow, Place, RecipeStamp, State
from pipeline.storage.memory import MemoryStorage
from pipeline.transcribe import results
from pipeline.verify import Difference, Listings, Tally, verify

BUCKET = builders.BUCKET
IS_AUDIO = selection(builders.settings().audio, (), ()).is_audio


def sha256(body: bytes) -> str:
    """As a manifest names the checksum of a part."""
    return hashlib.sha256(body).hexdigest()


class FinishedArchive:
    """Objects are put one by one; `finish` writes the manifest of their rows."""

    def __init__(self, archive: Place = builders.OUTPUT, output: Place = builders.OUTPUT) -> None:
        self.storage = MemoryStorage()
        self.archive = archive
        self.output = output
        self.rows: dict[str, ManifestRow] = {}

    def audio(self, key: str, body: bytes | None = None) -> AudioObject:
        """Puts an audio object; by its default body it is told from all others."""
        body = key.encode() if body is None else body
        etag = self.storage.put(self.archive.bucket, key, body)
        head = self.storage.head(self.archive.bucket, key)
        return builders.audio(
            key, bucket=self.archive.bucket, etag=etag, size_bytes=len(body), last_modified=head.last_modified
        )

    def transcribed(self, key: str, *, run_id: str = "run1", text: str = "Hello night.", **changes: Any) -> None:
        """Puts audio with its sidecar and its row."""
        job = builders.job(self.audio(key), run_id=run_id, output=self.output)
        facts = {"duration_s": 61.37, "cost_usd": 0.0123} | changes
        sidecar = results.sidecar_of(
            job,
            intent_of(job, duration_s=facts["duration_s"]),
            builders.request(f"request of {key}"),
            builders.answer(text),
            cost=Cost(usd=facts["cost_usd"], basis="a test"),
            story=(),
            now=datetime(2026, 11, 22, 2, 0, 7, 250_000, tzinfo=UTC),
            thresholds=builders.settings().lint,
        )
        self.rows[key] = results.write(self.storage, job, sidecar, results.Standing())

    def failed(self, key: str, state: State = State.FAILED, reason: str = "not_audio", **changes: Any) -> None:
        """Puts audio with a row that is not done."""
        fields = {"state": state, "reason": reason, "run_id": "run1", "permanent": state is State.FAILED, "attempts": 1}
        self.rows[key] = ManifestRow(**self.audio(key).model_dump(), **fields | changes)

    def finish(self, *, part_rows: int = 100, run_id: str = "run1", rows: Iterable[ManifestRow] = ()) -> Manifest:
        """Writes the manifest of all rows, or of these, over the last one."""
        facts = RunFacts(run_id, self.archive, self.output, RecipeStamp.of(builders.recipe()), builders.NOW)
        base = manifest.read_newest(self.storage, self.output, self.archive)
        with Draft() as draft:
            for row in rows or self.rows.values():
                draft.put(row)
            base = replace(base, manifest=None)
            return manifest.finish(self.storage, draft, facts, base, now=builders.NOW, part_rows=part_rows)

    def listings(self) -> Listings:
        """What `verify` is handed."""
        results_place = Place(bucket=self.output.bucket, prefix=self.output.prefix + self.archive.prefix)
        is_beside = self.output == Place(bucket=self.archive.bucket)
        return Listings(
            self.storage.list(self.archive.bucket, self.archive.prefix),
            IS_AUDIO,
            None if is_beside else self.storage.list(results_place.bucket, results_place.prefix),
        )

    def events(self, *, deep: bool = False) -> list[Difference | Tally]:
        """All that `verify` yields."""
        return list(verify(self.storage, self.archive, self.output, self.listings(), Sums, deep=deep))

    def differences(self, *, deep: bool = False) -> list[tuple[str, str]]:
        """Kind and key of each difference."""
        return [(event.kind.value, event.key) for event in self.events(deep=deep) if isinstance(event, Difference)]

    def body(self, key: str) -> bytes:
        """A file of the results, as it lies there."""
        return self.storage.read(self.output.bucket, key).body

    def put(self, key: str, body: bytes) -> None:
        """Writes a file of the results over, as anybody may."""
        self.storage.put(self.output.bucket, key, body)

    def put_manifest(self, manifest: Manifest) -> None:
        """Writes the manifest over, as a faulty writer would have written it."""
        key = f"{keys.run_folder(self.output, self.archive, 'run1')}manifest.json"
        body = manifest.model_dump_json(indent=1).encode()
        self.put(key, body)
        latest = Latest.model_validate_json(self.body(keys.latest_key(self.output, self.archive)))
        latest = latest.model_copy(update={"manifest_sha256": sha256(body)})
        self.put(keys.latest_key(self.output, self.archive), latest.model_dump_json(indent=1).encode())

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Whatever is done to the files of its manifest in this context: they are as before at its end."""
        folder = keys.archive_folder(self.output, self.archive)
        kept = {listed.key: self.body(listed.key) for listed in self.storage.list(self.output.bucket, folder)}
        try:
            yield
        finally:
            for key, body in kept.items():
                self.put(key, body)


def small_archive() -> FinishedArchive:
    """Three transcribed episodes and one that failed, in parts of two rows."""
    made = FinishedArchive()
    for key in ("a.mp3", "b.mp3", "d.mp3"):
        made.transcribed(key)
    made.failed("c.mp3")
    made.finish(part_rows=2)
    return made


def sidecar(key: str) -> str:
    """Where the sidecar of a key lies, beside it."""
    return key + keys.SIDECAR_SUFFIX
