"""The front door: one pass over a manifest and the listings, in key order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pipeline.errors import ConfigurationError
from pipeline.models import Place, State
from pipeline.storage.base import Storage
from pipeline.verify.differences import Difference, Kind, Tally
from pipeline.verify.joining import Case, Listings, joined
from pipeline.verify.judging import Judge
from pipeline.verify.parts import Gap, rows_of
from pipeline.verify.pointer import Pointed, point
from pipeline.verify.sums import Adder, RowSums

_AT_ONCE = 16  # sidecars read at once: their parsing fills a processor long before S3 is busy
_TALLY_EVERY = 1000  # cases

_Inside = Callable[[Case], list[Difference]]


def verify(
    storage: Storage,
    archive: Place,
    output: Place,
    listings: Listings,
    new_adder: Callable[[], Adder],
    *,
    deep: bool = False,
) -> Iterator[Difference | Tally]:
    """Yields every difference in key order, the tally now and then, and the tally at the end.

    Raises `ConfigurationError` when the archive has no manifest, and what `Storage` raises.
    """
    pointed = point(storage, output, archive)
    if pointed is None:
        raise ConfigurationError(
            f"There is no manifest of {archive.uri}, so there is nothing to verify. Name the archive as its run did: "
            "each prefix has a manifest of its own. nightscribe backfill writes one at its end; where one was lost, "
            "nightscribe manifest rebuild makes one from the sidecars.",
            "no_manifest",
        )
    tally = Tally()
    comparison = _Comparison(storage, pointed, Judge(archive, output), tally, deep=deep)
    for told in comparison.events(listings, new_adder):
        if isinstance(told, Difference):
            tally.count(told)
        yield told
    yield tally


@dataclass(frozen=True, slots=True)
class _Comparison:
    storage: Storage
    pointed: Pointed
    judge: Judge
    tally: Tally
    deep: bool

    def events(self, listings: Listings, new_adder: Callable[[], Adder]) -> Iterator[Difference | Tally]:
        """See `verify`."""
        yield from self.pointed.differences
        manifest = self.pointed.manifest
        if manifest is None:
            return
        self.tally.run_id = manifest.run_id
        output = self.judge.output
        sums = RowSums(manifest, new_adder, self.tally)
        rows = rows_of(self.storage, output.bucket, self.pointed.folder, manifest, self.judge.faults)
        inside = partial(self.judge.differences_inside, storage=self.storage) if self.deep else None
        cases = _without_gaps(joined(sums.counted(rows), listings, output), self.tally)
        yield from _judged(cases, self.judge, inside, self.tally)
        for fault in sums.faults():
            yield Difference(Kind.TOTALS_WRONG, self.pointed.key, fault)


def _without_gaps(cases: Iterable[Case | Difference | Gap], tally: Tally) -> Iterator[Case | Difference]:
    """Leaves out what may have a row in a part that cannot be read."""
    gaps: list[Gap] = []  # one per part at most
    for case in cases:
        if isinstance(case, Gap):
            gaps.append(case)
        elif isinstance(case, Case) and case.row is None and any(gap.first <= case.key <= gap.last for gap in gaps):
            tally.not_compared += 1
        else:
            yield case


def _judged(
    cases: Iterable[Case | Difference], judge: Judge, inside: _Inside | None, tally: Tally
) -> Iterator[Difference | Tally]:
    """The differences of each case. Sidecars are read in the background, so many at once; the order is kept."""
    waiting: deque[tuple[list[Difference], Future[list[Difference]] | None]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sidecar") as threads:  # starts none before the first read
        try:
            for number, case in enumerate(cases, 1):
                if isinstance(case, Difference):
                    waiting.append(([case], None))
                else:
                    tally.objects += case.audio is not None
                    tally.sidecars += case.sidecar is not None
                    tally.at = case.key
                    future = threads.submit(inside, case) if inside and _names_sidecar(case) else None
                    tally.sidecars_read += future is not None
                    waiting.append((list(judge.differences(case)), future))
                while waiting and (waiting[0][1] is None or len(waiting) >= _AT_ONCE):
                    yield from _told(*waiting.popleft())
                if number % _TALLY_EVERY == 0:
                    yield tally
            while waiting:
                yield from _told(*waiting.popleft())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _told(found: list[Difference], future: Future[list[Difference]] | None) -> list[Difference]:
    return found + future.result() if future else found


def _names_sidecar(case: Case) -> bool:
    return case.row is not None and case.row.state is State.DONE and case.sidecar is not None
