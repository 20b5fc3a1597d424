"""Writes a manifest: parts, then `manifest.json`, then the pointer `latest.json`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pipeline import SOFTWARE, keys
from pipeline.errors import ServiceUnavailableError
from pipeline.manifest.draft import Draft
from pipeline.manifest.row_files import packed
from pipeline.models import Latest, Manifest, ManifestPart, ManifestRow, Place, RecipeStamp, State, Totals
from pipeline.storage.base import PreconditionFailedError, Storage

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a manifest says of the run that wrote it."""

    run_id: str
    archive: Place
    output: Place
    recipe: RecipeStamp
    started_at: datetime


def finish(storage: Storage, draft: Draft, facts: RunFacts, *, now: datetime, part_rows: int) -> Manifest:
    """Writes parts, then the manifest, then moves `latest.json` to it on the condition of what it was."""
    folder = keys.run_folder(facts.output, facts.archive, facts.run_id)
    bucket = facts.output.bucket
    totals, of_this_run = Totals(), Totals()
    parts: list[ManifestPart] = []
    rows = draft.rows()
    while batch := list(islice(rows, part_rows)):
        for row in batch:
            totals = added(totals, row)
            if row.run_id == facts.run_id:
                of_this_run = added(of_this_run, row)
        parts.append(_write_part(storage, bucket, folder, len(parts) + 1, batch))
    manifest = Manifest(
        run_id=facts.run_id,
        archive=facts.archive,
        output=facts.output,
        recipe=facts.recipe,
        started_at=facts.started_at,
        finished_at=now,
        complete=State.PENDING not in totals.by_state,
        totals=totals,
        this_run=of_this_run,
        parts=tuple(parts),
        software=SOFTWARE,
    )
    manifest_key = f"{folder}manifest.json"
    _replace(storage, bucket, manifest_key, manifest.model_dump_json(indent=1).encode())
    latest = Latest(run_id=facts.run_id, manifest_key=manifest_key, finished_at=now)
    _replace(storage, bucket, keys.latest_key(facts.output, facts.archive), latest.model_dump_json(indent=1).encode())
    return manifest


def added(totals: Totals, row: ManifestRow) -> Totals:
    """The totals with one more row."""
    transcribed = row.state is State.DONE
    by_reason = totals.by_reason
    if row.reason is not None:
        by_reason = by_reason | {row.reason: by_reason.get(row.reason, 0) + 1}
    return Totals(
        objects=totals.objects + 1,
        by_state=totals.by_state | {row.state.value: totals.by_state.get(row.state.value, 0) + 1},
        by_reason=by_reason,
        size_bytes=totals.size_bytes + row.size_bytes,
        audio_s=round(totals.audio_s + (row.duration_s or 0.0 if transcribed else 0.0), 3),
        words=totals.words + (row.words or 0),
        cost_usd=round(totals.cost_usd + (row.cost_usd or 0.0), 9),
        cost_unknown=totals.cost_unknown + (1 if transcribed and row.cost_usd is None else 0),
    )


def _write_part(storage: Storage, bucket: str, folder: str, number: int, rows: list[ManifestRow]) -> ManifestPart:
    body, count = packed(rows)
    name = f"part-{number:05d}.jsonl.gz"
    _replace(storage, bucket, folder + name, body, content_type="application/gzip")
    return ManifestPart(
        name=name,
        rows=count,
        first_key=rows[0].key,
        last_key=rows[-1].key,
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
    )


def _replace(storage: Storage, bucket: str, key: str, body: bytes, content_type: str = _JSON) -> None:
    """Writes a file of ours over what was seen there a moment ago; loses to nobody silently."""
    head = storage.head(bucket, key)
    try:
        storage.write(bucket, key, body, content_type=content_type, if_match=head.etag if head else None)
    except PreconditionFailedError:
        raise ServiceUnavailableError(
            f"s3://{bucket}/{key} was written by another run in the same moment. Run the command again: nothing is "
            "lost, and what is done is not done again.",
            "manifest_contended",
        ) from None
