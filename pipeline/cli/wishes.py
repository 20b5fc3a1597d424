"""What the user asked of an archive, and the decisions that follow from it: the first two stages, joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from pipeline import keys, manifest
from pipeline.cli.ceilings import ceiling_of
from pipeline.cli.session import Session
from pipeline.discover import Sighting, discover, selection
from pipeline.errors import ConfigurationError
from pipeline.limits.base import Ceiling
from pipeline.models import Format, Found, Job, ManifestRow, Place, Recipe, SidecarStamp, Skip
from pipeline.ownership import stamp_at
from pipeline.plan import Mode, Request, plan
from pipeline.settings import Settings
from pipeline.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    archive: Place
    recipe: Recipe
    output: Place
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    formats: tuple[Format, ...] = ()
    limit: int | None = None
    mode: Mode = Mode.INCREMENTAL
    ceiling: Ceiling | None = None
    allow_rebill: bool = False

    @property
    def uri(self) -> str:
        """The archive, for people."""
        return self.archive.uri

    def request(self, run_id: str, *, budgeted: bool) -> Request:
        """The same for the plan of one run."""
        return Request(
            run_id,
            self.recipe,
            self.output,
            self.formats,
            self.mode,
            self.limit,
            budgeted=budgeted,
            allow_rebill=self.allow_rebill,
        )


def wish_of(session: Session, mode: Mode, options: dict[str, Any]) -> Wish:
    """What the options ask for."""
    archive: Place = options["archive"]
    recipe = session.recipe(options)
    return Wish(
        archive=archive,
        recipe=recipe,
        output=options["output"] or Place(bucket=archive.bucket),
        include=options["include"],
        exclude=options["exclude"],
        formats=options.get("formats", ()),
        limit=options["limit"],
        mode=mode,
        ceiling=ceiling_of(session.settings, recipe, options),
        allow_rebill=options.get("allow_rebill", False),
    )


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def decisions(
    storage: Storage, settings: Settings, wish: Wish, request: Request, settled: Iterator[ManifestRow]
) -> Iterator[Job | Skip]:
    """Discovers and plans; rows in `settled` are newer than the manifest's.

    Raises `ConfigurationError` when the archive holds no audio at all.
    """
    sighting = Sighting()

    def look(found: Found) -> SidecarStamp | None:
        bucket, key = wish.output.bucket, keys.sidecar_key(wish.output, found.audio.key)
        head = storage.head(bucket, key)
        return stamp_at(storage, bucket, key, head) if head else None

    last = manifest.read_latest(storage, wish.output, wish.archive)
    remembered = manifest.overlaid(manifest.read_rows(storage, last) if last else (), settled)
    found = discover(
        storage, wish.archive, wish.output, selection(settings.audio, wish.include, wish.exclude), sighting
    )
    planned = plan(found, remembered, request, settings.audio, look, now=now)
    first = next(planned, None)
    if first is None:
        raise ConfigurationError(
            f"There is no audio under {wish.uri} ({sighting.keys} other objects were seen). Check the prefix; audio is "
            "told by the end of the key (audio.extensions in nightscribe config show).",
            "empty_archive",
        )
    return chain([first], planned)
