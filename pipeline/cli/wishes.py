"""What the user asked of an archive, and the decisions that follow from it: the first two stages, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from pipeline import keys, manifest
from pipeline.cli.ceilings import ceiling_of
from pipeline.cli.handling import handling_of
from pipeline.cli.on_suspect import second_of
from pipeline.cli.session import Session
from pipeline.cli.sources import LISTING, Source, source_of
from pipeline.discover import selection
from pipeline.limits.base import Ceiling
from pipeline.models import (
    Format,
    Found,
    Handling,
    Job,
    KnownRows,
    Manifest,
    Place,
    Price,
    Recipe,
    RememberedRow,
    SidecarStamp,
    Skip,
    Untouched,
)
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
    source: Source = LISTING
    handling: Handling = field(default_factory=Handling)
    prices: tuple[Price, ...] = ()
    """Of the recipe, where it is known, and of what may come to replace it."""
    second: Recipe | None = None
    """What makes suspect transcripts once more; None when nothing does."""

    is_a_night: bool = False
    """Whether the run is over when its ceiling is reached, so that the next one begins anew, under its own."""

    @property
    def price(self) -> Price | None:
        """The recipe's own."""
        return next((price for price in self.prices if price.endpoint_id == self.recipe.endpoint_id), None)

    @property
    def second_price(self) -> Price | None:
        """Of second opinions."""
        endpoint_id = self.second.endpoint_id if self.second else None
        return next((price for price in self.prices if price.endpoint_id == endpoint_id), None)

    @property
    def uri(self) -> str:
        """The archive, for people."""
        return self.archive.uri

    def request(self, run_id: str, *, budgeted: bool, one_by_one: bool = False) -> Request:
        """The same for the plan of one run."""
        return Request(
            run_id,
            self.archive.bucket,
            self.recipe,
            self.output,
            self.formats,
            self.mode,
            self.limit,
            budgeted=budgeted,
            allow_rebill=self.allow_rebill,
            is_whole=self.source.is_whole,
            handling=self.handling,
            prices=self.prices,
            one_by_one=one_by_one,
            second=self.second,
        )


def wish_of(session: Session, mode: Mode, options: dict[str, Any]) -> Wish:
    """What the options ask for."""
    archive: Place = options["archive"]
    recipe = session.recipe(options)
    second = second_of(session, options, recipe)
    price = session.price(recipe)
    second_price = session.price(second) if second else None
    if second is not None:
        ceiling_of(second_price, second, options)  # a ceiling needs to know what either costs
    allow_rebill = options.get("allow_rebill", False)
    if mode is Mode.RETRY_FAILED and allow_rebill:
        mode = Mode.REBILL
    return Wish(
        archive=archive,
        recipe=recipe,
        output=options["output"] or Place(bucket=archive.bucket),
        include=options["include"],
        exclude=options["exclude"],
        formats=options.get("formats", ()),
        limit=options["limit"],
        mode=mode,
        ceiling=ceiling_of(price, recipe, options),
        allow_rebill=allow_rebill or mode is Mode.FORCE,
        source=source_of(options),
        handling=handling_of(session.settings, options),
        prices=tuple(filter(None, (price, second_price))),
        second=second,
        is_a_night=options.get("is_a_night", False),
    )


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def decisions(
    storage: Storage,
    settings: Settings,
    wish: Wish,
    *,
    request: Request,
    last: Manifest | None,
    settled: Iterable[RememberedRow] = (),
    watched: Callable[[Iterator[KnownRows]], Iterator[KnownRows]] = iter,
) -> Iterator[Job | Skip | Untouched]:
    """Discovers and plans; rows in `settled` are newer than those of the last manifest.

    All of these rows pass through `watched`, block by block.

    Raises `ConfigurationError` when the archive holds no audio at all.
    """

    def look(item: Found) -> SidecarStamp | None:
        bucket, key = wish.output.bucket, keys.sidecar_key(wish.output, item.key)
        head = storage.head(bucket, key)
        return stamp_at(storage, bucket, key, head) if head else None

    remembered = watched(manifest.overlaid(manifest.known(storage, last) if last else (), settled))
    chosen = selection(settings.audio, wish.include, wish.exclude)
    found = wish.source.found(storage, wish.archive, wish.output, chosen, settings.s3)
    first = next(found)  # an archive without audio says so here, before its last manifest is looked at
    return plan(chain([first], found), remembered, request, settings.audio, look, now=now)
