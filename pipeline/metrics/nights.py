"""What the last manifests in S3 tell, read in the background: a scrape never waits for S3, nor asks it more often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from pipeline import logs
from pipeline.errors import NightscribeError
from pipeline.metrics.samples import Sample, by_reason, sample
from pipeline.models import Manifest, Place, State

_FIRST_LOOK_S = 3.0  # what a scrape waits for the first answers, well below Prometheus' ten seconds
_SOONEST_S = 0.1


@dataclass(frozen=True, slots=True)
class Night:
    """The last manifest of an archive, and when a later run found that nothing had changed since."""

    manifest: Manifest
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """How manifests are found; archive and output are told. Both raise errors of the tree."""

    last: Callable[[Place, Place], Night | None]
    earlier: Callable[[Place, Place, str], Iterable[Manifest]]
    """Those before a run of this id, newest first, not without end."""


def complete_at(night: Night) -> datetime | None:
    """When this night was complete: it went through the archive and left nothing pending, or found nothing to do.

    What failed has alerts of its own: one bad file would otherwise make nobody's night of every night.
    """
    if not night.manifest.complete:
        return None
    return night.looked_at or night.manifest.finished_at


@dataclass
class Nights:
    """The last night of each archive. `archives` gives the outputs by archive, and may raise when it does not know."""

    shelf: Shelf
    archives: Callable[[], Mapping[Place, Place]]
    every_s: float
    clock: Callable[[], float] = time.monotonic
    _known: dict[Place, Place] = field(default_factory=dict)
    _nights: dict[Place, Night] = field(default_factory=dict)
    _complete: dict[Place, datetime] = field(default_factory=dict)
    _searched: dict[Place, str] = field(default_factory=dict)
    _failed: frozenset[Place] = frozenset()
    _read_at: float | None = None
    _asked_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _first: threading.Event = field(default_factory=threading.Event)

    def refresh(self) -> None:
        """Reads all of them once. What cannot be read has no numbers until it can."""
        with suppress(NightscribeError):  # Redis is away: those that it named before
            self._known = dict(self.archives())
        failed = set()
        for archive, output in self._known.items():
            try:
                night = self.shelf.last(archive, output)
                done = self._when_complete(archive, output, night) if night else None
            except NightscribeError as error:
                failed.add(archive)
                logs.get_logger().warning("manifest_not_read", archive=archive.uri, message=error.message)
                continue
            with self._lock:
                self._keep(archive, night, done)
        with self._lock:
            self._failed, self._read_at = frozenset(failed), self.clock()
        self._first.set()

    def refresh_until(self, stopped: threading.Event) -> None:
        """Reads them again and again, in a thread of its own."""
        while not stopped.is_set():
            try:
                self.refresh()
            except Exception:  # noqa: BLE001  a thread that ends would leave old numbers standing, unseen
                logs.get_logger().exception("manifests_not_read_by_our_fault")
            stopped.wait(max(self.every_s, _SOONEST_S))

    def samples(self) -> list[Sample]:
        """`nightscribe_up{part="s3"}`, when there is any archive, and the rest of what could be read lately."""
        with self._lock:
            self._asked_at = self.clock() if self._asked_at is None else self._asked_at
        # Counted from the first scrape: while a store hangs, the later ones come at once.
        self._first.wait(max(0.0, self._asked_at + _FIRST_LOOK_S - self.clock()))
        with self._lock:
            # Two looks late: the thread hangs on a store that does not answer.
            is_late = self._read_at is None or self.clock() - self._read_at > 2 * self.every_s + _FIRST_LOOK_S
            known, failed = list(self._known), self._failed
            nights, complete = dict(self._nights), dict(self._complete)
        if is_late:
            return [sample("up", 0, "s3")]
        found = [sample("up", not failed, "s3")] if known else []
        for archive in sorted(set(known) - failed, key=lambda place: place.uri):
            if archive in nights:
                found += _night(archive.uri, nights[archive])
            if archive in complete:
                moment = complete[archive].timestamp()
                found.append(sample("complete_night_timestamp_seconds", moment, archive.uri))
        return found

    def _keep(self, archive: Place, night: Night | None, done: datetime | None) -> None:
        if night is None:
            self._nights.pop(archive, None)
        else:
            self._nights[archive] = night
        if done is not None:
            self._complete[archive] = max(done, self._complete.get(archive, done))

    def _when_complete(self, archive: Place, output: Place, night: Night) -> datetime | None:
        """This night; else an earlier one, looked for once per manifest, and not when one is known already."""
        if (done := complete_at(night)) is not None or archive in self._complete:
            return done
        run_id = night.manifest.run_id
        if self._searched.get(archive) == run_id:
            return None
        dates = (complete_at(Night(manifest)) for manifest in self.shelf.earlier(archive, output, run_id))
        found = next((date for date in dates if date is not None), None)
        self._searched[archive] = run_id
        return found


def _night(archive: str, night: Night) -> Iterator[Sample]:
    manifest = night.manifest
    for state in State:
        yield sample("manifest_objects", manifest.totals.by_state.get(state.value, 0), archive, state.value)
    for reason, number in by_reason(manifest.totals.by_reason):
        yield sample("manifest_problems", number, archive, reason)
    yield sample("manifest_suspect_objects", manifest.totals.suspect, archive)
    yield sample("manifest_audio_seconds", manifest.totals.audio_s, archive)
    yield sample("manifest_cost_usd", manifest.totals.cost_usd, archive)
    yield sample("night_complete", manifest.complete, archive)
    yield sample("night_finished_timestamp_seconds", manifest.finished_at.timestamp(), archive)
    if night.looked_at is not None:
        yield sample("night_looked_timestamp_seconds", night.looked_at.timestamp(), archive)
    took_s = (manifest.finished_at - manifest.started_at).total_seconds()
    yield sample("night_duration_seconds", took_s, archive)
    for state in State:
        yield sample("night_objects", manifest.this_run.by_state.get(state.value, 0), archive, state.value)
    yield sample("night_audio_seconds", manifest.this_run.audio_s, archive)
    yield sample("night_cost_usd", manifest.this_run.cost_usd, archive)
