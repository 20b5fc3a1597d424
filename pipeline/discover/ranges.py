"""A long listing, read in several key ranges at once and delivered in key order.

    one stream, one page ahead ──pays──▶  [head range][range]...[last range]   each listed on its own, up to 16 at once
                                              │ its pages go straight on; those of the others wait for their turn

Nothing is assumed about the shape of keys. Where to cut, the listing itself tells (`cutting`), and a cut that was a bad
guess costs one page. Whoever has nothing to list cuts the last range a few pages ahead; once the end is in sight, or
when much is kept already, the range near the head that has the most left. So what is kept stays bounded (I6).
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, pairwise
from operator import lt

from pipeline.discover.cutting import Cut, Measured, SeenKeys, cut
from pipeline.discover.sorting import sorted_on_disk
from pipeline.errors import ConfigurationError
from pipeline.models import Place
from pipeline.settings import S3Settings
from pipeline.storage.base import Columns, Listed, Page, Storage

_ALONE = 8
"""Pages listed in one stream before it is asked if more would pay: most archives end within them."""
_KEPT_PAGES = 320
"""Pages that may wait for their turn."""
_UNPACKED_PAGES = 16
"""Of these so many as they came, some 350 KB each; the others packed, some 130 KB."""
_AHEAD = 4
"""Pages that each of the first ranges may keep in any case: what comes next is never held up by what lies far off."""
_READY = 64
"""Pages that wait in one piece behind the reader: he is what takes the time, and more of them would help nobody."""
_RANGE_PAGES = 28
"""Pages from one cut to the next, about: each range costs half a page more, and 16 of them must find room."""
_MEASURED_PAGES = 4
"""Pages that tell how far apart the keys of a range are where it is listed now."""
_MEASURED_RANGES = 8
"""Ranges that tell the same for keys in general, whatever lies just here."""
_WORTH = 16.0
"""Pages that must be left in a range, as far as can be told, for it to be cut in two halves."""
_SORTED_AT_ONCE = 1000
"""Keys together that a store lists in no order: as many as a page has."""
_POOR_SHARE = 16
"""Of so many pages one may have been for nothing; then no more cuts are made."""


def listing(storage: Storage, place: Place, settings: S3Settings) -> Generator[Listed]:
    """Yields every key of a place in key order. Raises as `listed_pages` does."""
    with closing(listed_pages(storage, place, settings)) as pages:
        for page in pages:
            yield from page.listed()


def listed_pages(storage: Storage, place: Place, settings: S3Settings) -> Generator[Columns]:
    """The same, page by page; none is empty.

    Raises `ConfigurationError` for a store that lists in another order, and what `Storage.page` raises.
    """
    if not settings.lists_in_order:
        listed = sorted_on_disk(storage.list(place.bucket, place.prefix))
        while page := list(islice(listed, _SORTED_AT_ONCE)):
            yield Columns.of(page)
        return
    before = ""
    with closing(_Listing(storage, place, settings)) as ranges:
        for columns in ranges.pages():
            _check_order(before, columns.keys, place)
            yield columns
            before = columns.keys[-1]


def _check_order(before: str, keys: list[str], place: Place) -> None:
    if before < keys[0] and all(map(lt, keys, islice(keys, 1, None))):
        return
    for earlier, key in pairwise([before, *keys]):
        if key <= earlier:
            raise ConfigurationError(
                f"The store lists {place.uri} in an order of its own ({key!r} after {earlier!r}), and not in "
                "that of UTF-8 bytes, as S3 does. Set NIGHTSCRIBE_S3_LISTS_IN_ORDER=false: listings are then sorted on "
                "this machine's disk.",
                "listing_unordered",
            )


@dataclass(eq=False, slots=True)
class _Range:
    """The keys greater than `after`, up to and with `until`."""

    after: str
    until: str | None
    token: str | None = None
    at: str = ""
    """The last key that was listed."""
    before: deque[str] = field(default_factory=lambda: deque(maxlen=_MEASURED_PAGES))
    """The last keys of the pages before; at first the first key of all."""
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
        lock = threading.Lock()
        self._lock = lock
        self._came = threading.Condition(lock)
        """For the reader: the head has a page, or is done."""
        self._work = threading.Condition(lock)
        """For the threads: there may be something to list. Whoever finds some wakes the next one."""
        self._finished: deque[Measured] = deque(maxlen=_MEASURED_RANGES)
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._is_closed = False
        self._kept = self._pages = self._poor = 0
        self._fastest_s = float("inf")
        self._start_thread()

    def pages(self) -> Generator[Columns]:
        """Every page with keys, in order."""
        while self._ranges:
            head = self._ranges[0]
            page = self._next_page(head)
            if page is None:
                continue
            columns = page.columns()
            if head.until is not None and page.last_key > head.until:
                columns = columns.upto(bisect_right(columns.keys, head.until))
            if columns.keys:
                yield columns

    def close(self) -> None:
        """Lets the threads end; one that waits for a page ends after it."""
        with self._lock:
            self._is_closed = True
            self._work.notify_all()
        for thread in self._threads:
            thread.join()

    def _next_page(self, head: _Range) -> Page | None:
        """The head's next page; None when it has no more, and another range is the head."""
        with self._lock:
            while not head.kept and not head.is_done and self._error is None:
                self._came.wait()
            if self._error is not None:
                raise self._error
            self._work.notify()
            if not head.kept:
                self._ranges.pop(0)
                return None
            self._kept -= 1
            return head.kept.popleft()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._list, name=f"list-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _list(self) -> None:
        try:
            while (taken := self._take()) is not None:
                begun = time.perf_counter()
                page = self._storage.page(self._place.bucket, self._place.prefix, after=taken.after, token=taken.token)
                asked_s = time.perf_counter() - begun
                if self._kept > _UNPACKED_PAGES and taken is not self._ranges[0]:
                    page.pack()
                self._put(taken, page, asked_s)
        except BaseException as error:  # noqa: BLE001  it is raised where the keys are read
            with self._lock:
                self._error = self._error or error
                self._came.notify()
                self._work.notify_all()

    def _take(self) -> _Range | None:
        """The first range that may be listed on, taken; None when there is nothing more to do."""
        with self._lock:
            while not self._is_closed and self._error is None:
                free = self._first_free()
                if free is not None:
                    free.is_taken = True
                    self._work.notify()
                    return free
                if all(some.is_done for some in self._ranges):
                    self._work.notify_all()
                    return None
                self._work.wait()
        return None

    def _first_free(self) -> _Range | None:
        if self._ready() >= _READY:
            return None
        for number, some in enumerate(self._ranges):
            is_near, is_head = number < self._most, number == 0
            has_room = (is_near and len(some.kept) < _AHEAD) or (not is_head and self._kept < _KEPT_PAGES)
            if has_room and not some.is_taken and not some.is_done:
                return some
        return self._cut()

    def _ready(self) -> int:
        """How many pages the reader has before him without waiting for one."""
        ready = 0
        for some in self._ranges:
            ready += len(some.kept)
            if not some.is_done:
                break
        return ready

    def _cut(self) -> _Range | None:
        """A new range: the far part of the last one; when that is listed, or too far off, of what has the most left."""
        if len(self._threads) == 1 or self._poor * _POOR_SHARE > self._pages:
            return None
        every, is_full = range(len(self._ranges)), self._kept >= _KEPT_PAGES
        may_be_cut = every[: self._most] if is_full else every if self._ranges[-1].is_done else every[-1:]
        cuts = [
            (found.pages_left, -number, found.key)
            for number in may_be_cut
            if (found := self._cut_of(self._ranges[number]))
        ]
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
        measured = [Measured(some.before[0], some.at, len(some.before))]
        if some.until is None:
            measured += self._finished
        return cut(self._seen, measured, some.at, some.until, _RANGE_PAGES)

    def _put(self, taken: _Range, page: Page, asked_s: float) -> None:
        with self._lock:
            taken.is_taken = False
            taken.pages += 1
            taken.token = page.next_token
            is_past = taken.until is not None and page.last_key >= taken.until
            taken.is_done = is_past or page.next_token is None
            if page.last_key:
                taken.before.append(taken.at or page.first_key)
                taken.at = page.last_key
                self._seen.add(page.last_key)
                taken.kept.append(page)
                self._kept += 1
                if is_past and taken.until is not None:
                    self._finished.append(Measured(taken.after, taken.until, taken.pages))
            self._pages += 1
            self._poor += taken.pages == 1 and taken.is_done and taken is not self._ranges[0]
            self._fastest_s = min(self._fastest_s, asked_s)
            if taken is self._ranges[0]:
                self._came.notify()
            self._work.notify()
            is_long = self._pages == _ALONE and not taken.is_done
            # The fastest one tells how far away the store is; the others, how busy this machine is.
            if is_long and self._fastest_s >= self._pays_s:
                while len(self._threads) < self._most:
                    self._start_thread()
