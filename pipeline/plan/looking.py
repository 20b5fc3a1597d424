"""Looks at the sidecars that no row knows, many at once, and keeps the order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from pipeline.models import Found, RememberedRow, SidecarStamp, Untouched
from pipeline.plan.joining import Pair
from pipeline.plan.request import LookAtSidecar
from pipeline.plan.standing import Standing

AT_ONCE = 32
"""HEADs under way at once: a fifth of a second each, so some 150 per second; half the connections of `[s3]`."""
_WAITING = 2000
"""Decisions that may wait behind a look: some hundred kilobytes."""

Looked = tuple[Found | None, RememberedRow | None, Standing | None, SidecarStamp | None]

_Waiting = tuple[Found | None, RememberedRow | None, Standing | None, Future[SidecarStamp | None] | None]


def looked(
    joined: Iterable[Pair | Untouched],
    standing_of: Callable[[Found, RememberedRow | None], Standing | None],
    look: LookAtSidecar,
) -> Iterator[Looked | Untouched]:
    """Each pair with its standing, or where only a look can tell, without one and with the stamp of its sidecar.

    Raises what `look` raises.
    """
    waiting: deque[_Waiting | Untouched] = deque()
    under_way = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look") as threads:  # which starts none before the first look
        try:
            for pair in joined:
                if isinstance(pair, Untouched):
                    waiting.append(pair)
                else:
                    item, row = pair
                    standing = None if item is None else standing_of(item, row)
                    if item is None or standing is not None:
                        if not waiting:
                            yield item, row, standing, None
                            continue
                        waiting.append((item, row, standing, None))
                    else:
                        waiting.append((item, row, None, threads.submit(look, item)))
                        under_way += 1
                while waiting and (under_way >= AT_ONCE or len(waiting) >= _WAITING or _is_ready(waiting[0])):
                    under_way -= _future_of(waiting[0]) is not None
                    yield _told(waiting.popleft())
            while waiting:
                yield _told(waiting.popleft())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _future_of(entry: _Waiting | Untouched) -> Future[SidecarStamp | None] | None:
    return None if isinstance(entry, Untouched) else entry[3]


def _is_ready(entry: _Waiting | Untouched) -> bool:
    future = _future_of(entry)
    return future is None or future.done()


def _told(entry: _Waiting | Untouched) -> Looked | Untouched:
    if isinstance(entry, Untouched):
        return entry
    item, row, standing, future = entry
    return item, row, standing, future.result() if future else None
