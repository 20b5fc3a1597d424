"""A list of keys to the same stream of audio objects that a listing gives.

    lines ─▶ keys (any order) ─sorted on disk, once each─▶ HEAD of audio and sidecar, many at once ─▶ Found, in order

Whoever names a key means it: what it ends with does not matter. A key that does not exist stops nobody: it is counted.
The version id that a HEAD tells is left out, for the reason that `inventory` gives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline import keys
from pipeline.discover.pairing import Sighting
from pipeline.discover.selection import Selection
from pipeline.discover.sorting import Sorting
from pipeline.errors import ConfigurationError
from pipeline.models import Found, Place
from pipeline.storage.base import Storage

_AT_ONCE = 32  # keys whose HEADs are under way: half the connections of `[s3]`
_EXAMPLES = 3  # of keys that do not exist, for a message
_LONGEST_RECORD_BYTES = keys.MAX_KEY_BYTES * 2  # a key with its bucket in front; whatever is longer is no list of keys


@dataclass(slots=True)
class KeySighting(Sighting):
    """What a list of keys came past. `missing` of them do not exist; `examples` names the first few."""

    missing: int = 0
    examples: list[str] = field(default_factory=list)


def key_list(
    storage: Storage,
    lines: Iterable[bytes],
    archive: Place,
    output: Place,
    chosen: Selection,
    *,
    nul_separated: bool = False,
    sighting: KeySighting | None = None,
) -> Iterator[Found]:
    """Yields the objects that are named, each once, in key order.

    `lines` is a file, or its bytes in pieces of any size: keys or s3:// addresses, one per line, or each ended by a NUL
    byte, which is the only way to name a key with a line's end in it. Empty lines are passed over.

    Raises `ConfigurationError`, before the first object, for a line that is no key of the archive; and what `Storage`
    raises. Keys that do not exist are counted in `sighting`, while the objects are read: the caller tells of them.
    """
    seen = sighting if sighting is not None else KeySighting()
    with Sorting() as sorting:
        for place, record in _records(lines, nul_separated=nul_separated):
            if key := _key(record, place, archive):
                sorting.put(key)
        asked = (row.key for row in sorting.in_order())
        for key, found in _looked_at(storage, asked, archive, output, chosen):
            seen.keys += 1
            if found is None:
                seen.missing += 1
                if len(seen.examples) < _EXAMPLES:
                    seen.examples.append(key)
            else:
                seen.audio += 1
                yield found


def _records(pieces: Iterable[bytes], *, nul_separated: bool) -> Iterator[tuple[str, bytes]]:
    """What stands between the ends of lines, or the NUL bytes, and which one it is, for messages."""
    word, end = ("Key", b"\0") if nul_separated else ("Line", b"\n")
    number, rest = 1, b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(end)
        for record in whole:
            yield f"{word} {number}", record if nul_separated else record.removesuffix(b"\r")
            number += 1
        if len(rest) > _LONGEST_RECORD_BYTES:
            raise _error(f"{word} {number}", "is longer than any key: one key per line, or each ended by a NUL byte.")
    yield f"{word} {number}", rest if nul_separated else rest.removesuffix(b"\r")


def _key(record: bytes, place: str, archive: Place) -> str:
    """The key that a line names; empty for an empty line."""
    try:
        text = record.decode("utf-8-sig" if place == "Line 1" else "utf-8")  # some editors put a mark before the first
    except UnicodeDecodeError:
        raise _error(place, "is not UTF-8.") from None
    if not text:
        return ""
    key = text
    if text.startswith("s3://"):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if bucket != archive.bucket:
            raise _error(place, f"names another bucket than {archive.uri}: {text!r}.")
        if not key:
            raise _error(place, f"names a bucket and no key: {text!r}.")
    if not key.startswith(archive.prefix):
        raise _error(place, f"is not under {archive.uri}: {key!r}.")
    if not keys.fits(key):
        raise _error(place, "is longer than the 1,024 bytes that S3 allows for a key.")
    if keys.is_ours(key) or key.endswith(keys.SIDECAR_SUFFIX):
        raise _error(place, f"is a file of Nightscribe's own: {key!r}. Name the audio.")
    return key


def _error(place: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{place} of the list {what} Nothing was begun.", "bad_key_list")


def _looked_at(
    storage: Storage, asked: Iterable[str], archive: Place, output: Place, chosen: Selection
) -> Iterator[tuple[str, Found | None]]:
    """Each key with what is there, in the same order; None for nothing."""

    def look(key: str) -> Found | None:
        head = storage.head(archive.bucket, key)
        if head is None:
            return None
        beside = keys.sidecar_key(output, key)
        sidecar = storage.head(output.bucket, beside) if keys.fits(beside) else None
        modified = head.last_modified.isoformat()
        sidecar_etag = sidecar.etag if sidecar else None
        return Found(key, head.etag, head.size_bytes, modified, sidecar_etag, chosen.excludes(key))

    waiting: deque[tuple[str, Future[Found | None]]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="head") as threads:
        try:
            for key in asked:
                waiting.append((key, threads.submit(look, key)))
                if len(waiting) >= _AT_ONCE:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
