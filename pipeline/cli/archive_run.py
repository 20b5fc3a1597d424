"""One pass over an archive, from the listing to the manifest: where the stages are joined, in the order of the flow.

discover ─▶ plan ─▶ submit (queue, workers, rows back) ─▶ manifest
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from uuid import uuid4

from pipeline import keys, manifest, sidecars, wiring
from pipeline.cancellation import CancellationToken
from pipeline.cli.session import Session
from pipeline.discover import Sighting, discover, selection
from pipeline.errors import ConfigurationError
from pipeline.manifest import Draft, RunFacts, Segments
from pipeline.models import Format, Found, Job, Manifest, ManifestRow, Place, Recipe, RecipeStamp, SidecarStamp, Skip
from pipeline.plan import Mode, Request, plan, planned_row
from pipeline.runs.base import RunTicket
from pipeline.submit import Dispatch, Enqueued, Event, SettledRow, Skipped

_ROWS_AT_ONCE = 500


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

    @property
    def uri(self) -> str:
        """The archive, for people."""
        return self.archive.uri


def decisions(session: Session, wish: Wish, run_id: str, settled: Iterator[ManifestRow]) -> Iterator[Job | Skip]:
    """Discovers and plans. Raises `ConfigurationError` when the archive holds no audio at all."""
    storage, settings = session.storage, session.settings
    sighting = Sighting()

    def look(found: Found) -> SidecarStamp | None:
        head = storage.head(wish.output.bucket, keys.sidecar_key(wish.output, found.audio.key))
        return sidecars.from_metadata(head.metadata) if head else None

    last = manifest.read_latest(storage, wish.output, wish.archive)
    remembered = manifest.overlaid(manifest.read_rows(storage, last) if last else (), settled)
    found = discover(
        storage, wish.archive, wish.output, selection(settings.audio, wish.include, wish.exclude), sighting
    )
    request = Request(run_id, wish.recipe, wish.output, wish.formats, wish.mode, wish.limit)
    planned = plan(found, remembered, request, settings.audio, look)
    first = next(planned, None)
    if first is None:
        raise ConfigurationError(
            f"There is no audio under {wish.uri} ({sighting.keys} other objects were seen). Check the prefix; audio is "
            "told by the end of the key (audio.extensions in nightscribe config show).",
            "empty_archive",
        )
    return chain([first], planned)


@dataclass
class ArchiveRun:
    """A run as the dispatcher sees it: opens it, yields its events, ends it in a manifest."""

    session: Session
    wish: Wish
    cancel: CancellationToken
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    manifest: Manifest | None = None
    has_begun: bool = False
    """Whether any job was handed on to the queue."""

    def events(self) -> Iterator[Event]:
        """Everything that happens until the last object is settled and the manifest is written.

        Raises what stops a run (`AccountError`, `ConfigurationError`, `RunActiveError`, `Cancelled`); it can then
        be continued by the same command.
        """
        parts = wiring.open_dispatcher(self.session.settings)
        over = False
        try:
            parts.runs.workers()  # Redis answers, or nothing is begun; the broker's client would try for seconds
            parts.queue.depth()
            ticket = parts.runs.open(
                keys.archive_id(self.wish.output, self.wish.archive),
                self.wish.recipe.hash,
                new_run_id=_new_run_id(self.started_at),
                archive_uri=self.wish.uri,
                endpoint_id=self.wish.recipe.endpoint_id,
            )
            try:
                yield from self._events(parts, ticket)
                over = True
            finally:
                # A run that ended before its first job leaves nothing to be continued.
                parts.runs.close(ticket, finished=over or not (self.has_begun or ticket.resumed))
        finally:
            parts.close()

    def _events(self, parts: wiring.DispatcherParts, ticket: RunTicket) -> Iterator[Event]:
        storage, settings = self.session.storage, self.session.settings
        segments = Segments(storage, self.wish.output, self.wish.archive, ticket.run_id)
        with Draft() as settled, Draft() as draft:
            if ticket.resumed:
                _keep_unread(parts, ticket, segments)
            for row in segments.read():
                settled.put(row)
            planned = decisions(self.session, self.wish, ticket.run_id, settled.rows())
            dispatch = Dispatch(
                ticket=ticket,
                runs=parts.runs,
                queue=parts.queue,
                marks=settings.queue,
                rhythm=settings.run,
                cancel=self.cancel,
                clock=time.monotonic,
                keep=segments.append,
            )
            for event in dispatch.run(self._with_key_checked(planned)):
                match event:
                    case Skipped(skip):
                        draft.put(skip.row)
                    case Enqueued(job):
                        draft.put(planned_row(job))
                    case SettledRow(row):
                        draft.put(row)
                yield event
            self.manifest = self._finish(draft, ticket)

    def _with_key_checked(self, planned: Iterator[Job | Skip]) -> Iterator[Job | Skip]:
        """Asks fal about the key before the first job, if this process has one; a run without jobs asks nothing."""
        checked = not self.session.has_key
        for decision in planned:
            if isinstance(decision, Job) and not checked:
                self.session.transcriber.check_key()
                checked = True
            self.has_begun = self.has_begun or isinstance(decision, Job)
            yield decision

    def _finish(self, draft: Draft, ticket: RunTicket) -> Manifest:
        facts = RunFacts(
            run_id=ticket.run_id,
            archive=self.wish.archive,
            output=self.wish.output,
            recipe=RecipeStamp.of(self.wish.recipe),
            started_at=self.started_at,
        )
        part_rows = self.session.settings.run.part_rows
        return manifest.finish(self.session.storage, draft, facts, now=datetime.now(UTC), part_rows=part_rows)


def _keep_unread(parts: wiring.DispatcherParts, ticket: RunTicket, segments: Segments) -> None:
    """Rows that workers handed in while no dispatcher was there."""
    while rows := parts.runs.rows(ticket.run_id, 0, _ROWS_AT_ONCE):
        segments.append(rows)
        parts.runs.take(ticket.run_id, len(rows))


def _new_run_id(now: datetime) -> str:
    """Sorts by time and never repeats: `20261122T021500Z-1a2b3c`."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
