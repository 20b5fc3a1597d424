"""Writes a manifest: parts, then `manifest.json`, then the pointer `latest.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline import SOFTWARE, keys
from pipeline.errors import ServiceUnavailableError
from pipeline.manifest.comparing import Comparison, Onlooker
from pipeline.manifest.draft import Change, Draft
from pipeline.manifest.reading import Newest, read_newest, remembered
from pipeline.manifest.row_files import PartWriter
from pipeline.manifest.sums import Sums
from pipeline.models import Latest, Manifest, ManifestPart, Place, RecipeStamp, RememberedRow, State
from pipeline.storage.base import PreconditionFailedError, Storage

_JSON = "application/json"
_TRIES = 3  # each costs a manifest; whoever loses three times in a row is not alone by accident


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a manifest says of the run that wrote it."""

    run_id: str
    archive: Place
    output: Place
    recipe: RecipeStamp
    started_at: datetime
    left: int = 0
    """Objects that it has left for the next run, be they pending or what they were before: failed, or uncertain."""


def finish(
    storage: Storage,
    draft: Draft,
    facts: RunFacts,
    base: Newest,
    *,
    now: datetime,
    part_rows: int,
    onlooker: Onlooker | None = None,
) -> Manifest:
    """Writes the rows of `base` with the draft's changes, and moves `latest.json` on the condition of what it was.

    When another run has moved it since, that run's manifest is the base: of its rows none is lost.
    `onlooker` sees all rows pass. Raises `ServiceUnavailableError` when runs finish without end.
    """
    is_contended = False
    for _ in range(_TRIES):
        rows = remembered(storage, base.manifest) if base.manifest else iter(())
        comparison = Comparison()
        changed = _with_changes(rows, draft.changes(), comparison, is_contended=is_contended)
        if onlooker:
            onlooker.begin()
            changed = _seen(changed, onlooker)
        manifest = _write(storage, changed, facts, base, comparison, now=now, part_rows=part_rows)
        manifest_key = f"{keys.run_folder(facts.output, facts.archive, facts.run_id)}manifest.json"
        latest = Latest(
            run_id=facts.run_id,
            manifest_key=manifest_key,
            manifest_sha256=hashlib.sha256(_body_of(manifest)).hexdigest(),
            finished_at=now,
        )
        if _point(storage, facts.output, facts.archive, latest, base.latest_etag):
            return manifest
        base, is_contended = read_newest(storage, facts.output, facts.archive), True
    raise _contended(facts.output.bucket, keys.latest_key(facts.output, facts.archive))


def confirm(storage: Storage, output: Place, archive: Place, base: Newest, *, now: datetime) -> None:
    """Notes that the newest manifest still holds; when another run has written a newer one, that says more."""
    if base.latest is not None:
        _point(storage, output, archive, base.latest.model_copy(update={"looked_at": now}), base.latest_etag)


def _seen(rows: Iterable[RememberedRow], onlooker: Onlooker) -> Iterator[RememberedRow]:
    for row in rows:
        onlooker.add(row)
        yield row


def _with_changes(
    rows: Iterable[RememberedRow], changes: Iterable[Change], comparison: Comparison, *, is_contended: bool
) -> Iterator[RememberedRow]:
    """The rows with changes applied, both in key order. Over another run's rows a transcript outlives what is none."""
    older, newer = iter(rows), iter(changes)
    row, change = next(older, None), next(newer, None)
    while change is not None:
        while row is not None and row.key < change.key:
            yield row
            row = next(older, None)
        there = row if row is not None and row.key == change.key else None
        if there is not None:
            row = next(older, None)
        if is_contended and there is not None and _says_more(there, change.row):
            yield there
        else:
            comparison.add(there, change.row)
            if change.row is not None:
                yield change.row
        change = next(newer, None)
    while row is not None:
        yield row
        row = next(older, None)


def _says_more(theirs: RememberedRow, ours: RememberedRow | None) -> bool:
    """Whether another run's row must not be lost: it has a transcript where this run has none."""
    return theirs.state is State.DONE and (ours is None or ours.state is not State.DONE)


def _write(
    storage: Storage,
    rows: Iterable[RememberedRow],
    facts: RunFacts,
    base: Newest,
    comparison: Comparison,
    *,
    now: datetime,
    part_rows: int,
) -> Manifest:
    folder = keys.run_folder(facts.output, facts.archive, facts.run_id)
    bucket = facts.output.bucket
    totals, of_this_run = Sums(), Sums()
    parts: list[ManifestPart] = []

    def close(part: PartWriter) -> None:
        body, record = part.finish(f"part-{len(parts) + 1:05d}.jsonl.gz")
        _replace(storage, bucket, folder + record.name, body, content_type="application/gzip")
        parts.append(record)

    writer = PartWriter()
    for row in rows:
        totals.add(row)
        if row.run_id == facts.run_id:
            of_this_run.add(row)
        writer.add(row)
        if writer.rows >= part_rows:
            close(writer)
            writer = PartWriter()
    if writer.rows:
        close(writer)
    # Not when it is made anew, whatever was before; nor when this run had written one before it died.
    is_own = base.manifest is not None and base.manifest.run_id == facts.run_id
    is_known = not is_own and (base.manifest is not None or base.latest_etag is None)
    manifest = Manifest(
        run_id=facts.run_id,
        archive=facts.archive,
        output=facts.output,
        recipe=facts.recipe,
        started_at=facts.started_at,
        finished_at=now,
        complete=State.PENDING.value not in totals.by_state and not facts.left,
        totals=totals.totals(),
        this_run=of_this_run.totals(),
        changes=comparison.changes(base.manifest) if is_known else None,
        parts=tuple(parts),
        software=SOFTWARE,
    )
    _replace(storage, bucket, f"{folder}manifest.json", _body_of(manifest))
    return manifest


def _body_of(manifest: Manifest) -> bytes:
    return manifest.model_dump_json(indent=1).encode()


def _point(storage: Storage, output: Place, archive: Place, latest: Latest, seen_etag: str | None) -> bool:
    """Moves `latest.json`; False when it is not what was seen any more."""
    key, body = keys.latest_key(output, archive), latest.model_dump_json(indent=1).encode()
    try:
        storage.write(output.bucket, key, body, content_type=_JSON, if_match=seen_etag)
    except PreconditionFailedError:
        return False
    return True


def _replace(storage: Storage, bucket: str, key: str, body: bytes, content_type: str = _JSON) -> None:
    """Writes a file of this run, over what an earlier try of this run has left there."""
    try:
        storage.write(bucket, key, body, content_type=content_type)
    except PreconditionFailedError:
        head = storage.head(bucket, key)
        try:
            storage.write(bucket, key, body, content_type=content_type, if_match=head.etag if head else None)
        except PreconditionFailedError:
            raise _contended(bucket, key) from None


def _contended(bucket: str, key: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"s3://{bucket}/{key} was written by another run in the same moment. Run the command again: nothing is "
        "lost, and what is done is not done again.",
        "manifest_contended",
    )
