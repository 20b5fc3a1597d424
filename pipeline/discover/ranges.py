"""A long listing, read in several key ranges at once and delivered in key order.

    one stream, one page ahead ──pays──▶  [head range][range]...[range]   each listed on its own, up to 16 at once
                                              │ its pages go straight on; those of the others are packed and kept

Nothing is assumed about the shape of keys. Where to cut, the listing itself tells (`cutting`), and a cut that was a bad
guess costs one page. Whoever has nothing to list cuts the range that has the most left; when much is kept already, only
one near the head, so that the reader is never held up and what is kept stays bounded (I6).
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from operator import attrgetter

from pipeline.discover.cutting import Cut, SeenKeys, cut_before, cut_behind
from pipeline.discover.sorting import sorted_on_disk
from pipeline.models import Place
from pipeline.settings import S3Settings
from pipeline.storage.base import Listed, Page, Storage

_ALONE = 8
"""Pages listed in one stream before it is asked if more would pay: most archives end within them."""
_KEPT_PAGES = 512
"""Pages that may wait for their turn: packed, some 20 to 50 KB each."""
_AHEAD = 4
"""Pages that each of the first ranges may keep in any case: what comes next is never held up by what lies far off."""
_WORTH = 6.0
"""Pages that must be left in a range, as far as can be told, for it to be cut."""
_POOR_SHARE = 8
"""Of so many pages one may have been for nothing; then no more cuts are made."""


def listing(storage: Storage, place: Place, settings: S3Settings) -> Iterator[Listed]:
    """Yields every key of a place in key order. Raises what `Storage.page` raises."""
    if not settings.lists_in_order:
        yield from sorted_on_disk(storage.list(place.bucket, place.prefix))
        return
    with closing(_Listing(storage, place, settings)) as ranges:
        yield from ranges.listed()


@dataclass(eq=False, slots=True)
class _Range:
    """The keys greater than `after`, up to and with `until`."""

    after: str
    until: str | None
    token: str | None = None
    first: str = ""
    """The last key of the first page."""
    at: str = ""
    """The last key that was listed."""
    pages: int = 0
    kept: deque[Page] = field(default_factory=deque)
    is_taken: bool = False
    is_done: bool = False


class _Listing:
    """The ranges in key order, and the threads that list them."""

    def __init__(self, storage: Storage, place: Place, settings: S3Settings) -> None:
        self._storage = storage
        self._place = place
        self._most = settings.list_ranges
        self._pays_s = settings.list_ranges_pay_s
        self._ranges = [_Range("", None)]
        self._seen = SeenKeys()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._is_closed = False
        self._pages = self._poor = 0
        self._fastest_s = float("inf")
        self._start_thread()

    def listed(self) -> Iterator[Listed]:
        """Every key, in order."""
        while self._ranges:
            head = self._ranges[0]
            page = self._next_page(head)
            if page is None:
                with self._changed:
                    self._ranges.pop(0)
                    self._changed.notify_all()
                continue
            rows = page.listed()
            if head.until is not None and page.last_key > head.until:
                rows = rows[: bisect_right(rows, head.until, key=attrgetter("key"))]
            yield from rows

    def close(self) -> None:
        """Lets the threads end; one that waits for a page ends after it."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _next_page(self, head: _Range) -> Page | None:
        with self._changed:
            while not head.kept and not head.is_done and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            if not head.kept:
                return None
            self._changed.notify_all()
            return head.kept.popleft()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"list-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        try:
            while (taken := self._take()) is not None:
                begun = time.perf_counter()
                page = self._storage.page(self._place.bucket, self._place.prefix, after=taken.after, token=taken.token)
                asked_s = time.perf_counter() - begun
                if taken is not self._ranges[0]:
                    page.pack()
                self._put(taken, page, asked_s)
        except BaseException as error:  # noqa: BLE001  it is raised where the keys are read
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _take(self) -> _Range | None:
        """The first range that may be listed on, taken; None when there is nothing more to do."""
        with self._changed:
            while not self._is_closed and self._error is None:
                free = self._first_free() or self._cut()
                if free is not None:
                    free.is_taken = True
                    return free
                if all(some.is_done for some in self._ranges):
                    return None
                self._changed.wait()
        return None

    def _first_free(self) -> _Range | None:
        kept = sum(len(some.kept) for some in self._ranges)
        for number, some in enumerate(self._ranges):
            # The head's pages are not packed, for they are read at once; or else the reader is slow, and needs no more.
            is_near, is_head = number < self._most, number == 0
            has_room = (is_near and len(some.kept) < _AHEAD) or (not is_head and kept < _KEPT_PAGES)
            if has_room and not some.is_taken and not some.is_done:
                return some
        return None

    def _cut(self) -> _Range | None:
        """A new range: the farther part of the one that has the most left."""
        if len(self._threads) == 1 or self._poor * _POOR_SHARE > self._pages:
            return None
        kept = sum(len(some.kept) for some in self._ranges)
        near = self._ranges if kept < _KEPT_PAGES else self._ranges[: self._most]
        cuts = [(cut.pages_left, -number, cut.key) for number, some in enumerate(near) if (cut := self._cut_of(some))]
        pages_left, number, key = max(cuts, default=(0.0, 0, ""))
        if pages_left < _WORTH:
            return None
        near_part = self._ranges[-number]
        far_part = _Range(key, near_part.until)
        near_part.until = key
        self._ranges.insert(-number + 1, far_part)
        return far_part

    def _cut_of(self, some: _Range) -> Cut | None:
        if some.is_done or not some.at:
            return None
        begun = some.after or some.first
        if some.until is None:
            return cut_behind(self._place.prefix, begun, some.at)
        return cut_before(self._seen, begun, some.at, some.until, some.pages)

    def _put(self, taken: _Range, page: Page, asked_s: float) -> None:
        with self._changed:
            taken.is_taken = False
            taken.pages += 1
            taken.token = page.next_token
            is_past = taken.until is not None and page.last_key >= taken.until
            taken.is_done = is_past or page.next_token is None
            if page.last_key:
                taken.first = taken.first or page.last_key
                taken.at = page.last_key
                self._seen.add(page.last_key)
                taken.kept.append(page)
            self._pages += 1
            self._poor += taken.pages == 1 and taken.is_done and taken is not self._ranges[0]
            self._fastest_s = min(self._fastest_s, asked_s)
            self._changed.notify_all()
            is_long = self._pages == _ALONE and not taken.is_done
            # The fastest one tells how far away the store is; the others, how busy this machine is.
            if is_long and self._fastest_s >= self._pays_s:
                while len(self._threads) < self._most:
                    self._start_thread()
