"""The manifest that an earlier night left: a row for every object of a generated archive but the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from bench.archive import MOMENT, Archive
from bench.stand import ArchiveServer

from pipeline import SOFTWARE, keys, sidecars
from pipeline.manifest.row_files import PartWriter
from pipeline.models import (
    Asked,
    AudioObject,
    Latest,
    Manifest,
    ManifestPart,
    ManifestRow,
    Place,
    Recipe,
    RecipeStamp,
    SidecarStamp,
    State,
    Totals,
    remembered_row,
)
from pipeline.settings import load_settings
from pipeline.wiring.recipes import make_recipe

_MOMENT = datetime.fromisoformat(MOMENT).astimezone(UTC)


def usual_recipe() -> Recipe:
    """What `nightscribe` asks for without any option."""
    defaults = load_settings({}).settings.recipe
    return make_recipe(defaults.model, Asked(language=defaults.language, task=defaults.task), {})


def remember(server: ArchiveServer, archive: Archive, *, part_rows: int | None = None) -> Manifest:
    """Puts the manifest beside the archive, in the names and shapes that Nightscribe gives it."""
    output = Place(bucket=archive.bucket)
    folder = keys.run_folder(output, output, str(archive.stamp(0)["run_id"]))
    rows, totals = rows_of(archive), Totals()
    part_rows = part_rows or load_settings({}).settings.run.part_rows
    parts: list[ManifestPart] = []
    while batch := list(islice(rows, part_rows)):
        writer = PartWriter()
        for row in batch:
            writer.add(remembered_row(row.model_dump_json().encode()))
        body, part = writer.finish(f"part-{len(parts) + 1:05d}.jsonl.gz")
        server.put(archive.bucket, folder + part.name, body)
        parts.append(part)
        totals = _added(totals, batch)
    manifest = Manifest(
        run_id=str(archive.stamp(0)["run_id"]),
        archive=output,
        output=output,
        recipe=RecipeStamp.of(usual_recipe()),
        started_at=_MOMENT,
        finished_at=_MOMENT,
        complete=True,
        totals=totals,
        this_run=totals,
        parts=tuple(parts),
        software=SOFTWARE,
    )
    latest = Latest(run_id=manifest.run_id, manifest_key=f"{folder}manifest.json", finished_at=_MOMENT)
    server.put(archive.bucket, latest.manifest_key, manifest.model_dump_json(indent=1).encode())
    server.put(archive.bucket, keys.latest_key(output, output), latest.model_dump_json(indent=1).encode())
    return manifest


def rows_of(archive: Archive) -> Iterator[ManifestRow]:
    """The rows in key order, each as Nightscribe makes it of a sidecar."""
    output = Place(bucket=archive.bucket)
    for number in range(archive.objects):
        if not archive.is_new(number):
            entry = archive.audio(number)
            audio = AudioObject(
                bucket=archive.bucket,
                key=entry.key,
                etag=entry.etag,
                size_bytes=entry.size_bytes,
                last_modified=_MOMENT,
            )
            stamp = SidecarStamp.model_validate(archive.stamp(number))
            yield sidecars.row_of(audio, output, stamp, archive.sidecar_etag(number))


def _added(totals: Totals, rows: list[ManifestRow]) -> Totals:
    return Totals(
        objects=totals.objects + len(rows),
        by_state={State.DONE.value: totals.objects + len(rows)},
        size_bytes=totals.size_bytes + sum(row.size_bytes for row in rows),
        audio_s=round(totals.audio_s + sum(row.duration_s or 0.0 for row in rows), 3),
        words=totals.words + sum(row.words or 0 for row in rows),
        cost_unknown=totals.objects + len(rows),
    )
