"""Plans over builders' records: what is to be decided, what is decided, and which sidecars were looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

import builders

from pipeline.blocks import PackedRows, blocks_in
from pipeline.discover import Selection, Sighting, discover
from pipeline.manifest.overlay import loose
from pipeline.manifest.row_files import PartWriter
from pipeline.models import Found, Job, ManifestRow, Place, Recipe, RememberedRow, SidecarStamp, Skip, Stretch
from pipeline.plan import Mode, Request, plan
from pipeline.settings import S3Settings
from pipeline.storage.base import Storage

SETTINGS = builders.settings().audio
OTHER = builders.recipe("fal-ai/wizper")
"""A recipe that is not the run's."""

MODES = [Mode.INCREMENTAL, Mode.RETRY_FAILED, Mode.REBILL, Mode.UPGRADE, Mode.FORCE]
_TABLE = """
                          incremental     retry-failed    allow-rebill    upgrade         force
new                       job             not_failed      not_failed      job             job
recipe_changed            other_recipe    other_recipe    other_recipe    job             job
changed                   job             not_failed      not_failed      job             job
sidecar_missing           job             not_failed      not_failed      job             job
pending                   job             not_failed      not_failed      job             job
current                   current         current         current         current         job
done_by_this_run          current         current         current         current         current
failed_before             failed_before   job             job             failed_before   job
failed_with_other_recipe  job             job             job             job             job
failed_in_passing         job             job             job             job             job
stale                     job             job             job             job             job
uncertain                 job             job             job             job             job
result_expired            failed_before   failed_before   job             failed_before   job
left_under_ceiling        job             job             job             job             job
fault_reported            failed_before   failed_before   failed_before   failed_before   failed_before
excluded                  excluded        excluded        excluded        excluded        excluded
key_too_long              key_too_long    key_too_long    key_too_long    key_too_long    key_too_long
empty_object              empty_object    empty_object    empty_object    empty_object    empty_object
too_large                 too_large       too_large       too_large       too_large       too_large
foreign_sidecar           foreign_sidecar foreign_sidecar foreign_sidecar foreign_sidecar foreign_sidecar
gone                      gone            gone            gone            gone            gone
"""
EXPECTED = {
    (standing, mode): cell
    for standing, *cells in map(str.split, _TABLE.strip().splitlines()[1:])
    for mode, cell in zip(MODES, cells, strict=True)
}
"""What is to be decided, by standing and mode: said here a second time, so that no cell changes unnoticed."""


def stamp(
    *, etag: str = "e1", recipe: Recipe | None = None, run_id: str = "run0", stands_for: str | None = None
) -> SidecarStamp:
    """What a sidecar of ours tells: of this version of its object, by this recipe, from this run."""
    recipe = recipe or builders.recipe()
    return SidecarStamp(
        job_id=builders.row().job_id,
        object_etag=etag,
        recipe=recipe.hash,
        run_id=run_id,
        endpoint_id=recipe.endpoint_id,
        request_id="r-1",
        attempts=1,
        duration_s=60.0,
        words=100,
        language="en",
        speech=True,
        cost_usd=None,
        processing_s=3.0,
        written_at=builders.NOW,
        stands_for=stands_for,
    )


def request(*, mode: Mode = Mode.INCREMENTAL, limit: int | None = None, **asked: Any) -> Request:
    """What a run called `run1` is asked for."""
    return Request("run1", builders.BUCKET, builders.recipe(), builders.OUTPUT, (), mode, limit, **asked)


def stretches(found: Iterable[Found], sizes: Iterable[int] = repeat(2)) -> Iterator[Stretch]:
    """Objects in key order, in pieces of these sizes."""
    passing = iter(found)
    for size in sizes:
        piece = list(islice(passing, size))
        if not piece:
            return
        yield Stretch.of(piece)


def packed_rows(rows: Sequence[RememberedRow], block_rows: int) -> list[PackedRows]:
    """Rows as a manifest holds them, so many to a block."""
    if not rows:
        return []
    part = PartWriter(block_rows)
    for row in rows:
        part.add(row)
    body, record = part.finish("part-00001.jsonl.gz")
    return list(blocks_in(record, body, "s3://b/part-00001.jsonl.gz"))


def listed_in(
    storage: Storage,
    archive: Place,
    output: Place,
    chosen: Selection,
    s3: S3Settings,
    sighting: Sighting | None = None,
) -> Iterator[Found]:
    """What a listing shows, one by one."""
    found = discover(storage, archive, output, chosen, s3, sighting=sighting)
    return chain.from_iterable(stretch.found() for stretch in found)


def decided(
    found: Iterable[Found],
    rows: Iterable[ManifestRow] = (),
    look: Callable[[Found], SidecarStamp | None] = lambda _: None,
    **asked: Any,
) -> Iterable[Job | Skip]:
    """The decisions, one by one."""
    return plan(
        stretches(found),
        loose(map(builders.remembered, rows)),
        request(**asked),
        SETTINGS,
        look,
        now=lambda: builders.NOW,
    )


def decide(
    found: Iterable[Found], rows: Iterable[ManifestRow] = (), *, looked: SidecarStamp | None = None, **asked: Any
) -> tuple[list[Job | Skip], list[str]]:
    """All decisions, and the keys whose sidecars were looked at: each of them showed `looked`."""
    heads: list[str] = []

    def look(item: Found) -> SidecarStamp | None:
        heads.append(item.key)
        return looked

    return list(decided(found, rows, look, **asked)), heads


def verdict(decision: Job | Skip) -> str:
    """`job`, or the name of why not."""
    return decision.reason.value if isinstance(decision, Skip) else "job"
