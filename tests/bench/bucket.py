"""One bucket: a generated archive, and over it whatever was put or deleted since; listings merge the two.

Standard library only, for the S3 server's process.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from html import escape
from itertools import islice
from operator import ge, gt
from urllib.parse import quote_plus

from bench.archive import MOMENT, Archive

# XML 1.0 forbids most of these even so; S3 writes them like this nevertheless, and clients ask for url encoding.
_CONTROLS = re.compile("[\x00-\x1f]")


class ConditionError(Exception):
    """A write or read whose condition does not hold."""


class NoSuchKeyError(Exception):
    """There is no object under the key."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object, whole. A generated one has no body: it would be zeros."""

    etag: str
    size_bytes: int
    modified: str = MOMENT
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What a GET repeats: content type and user metadata."""

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`."""
        return bytes(stop - start) if self.body is None else self.body[start:stop]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: the elements of its keys."""

    contents: tuple[str, ...]
    last_key: str
    is_truncated: bool


class Bucket:
    """What one bucket holds. Not for several threads."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._changed: dict[str, Object | None] = {}
        """What was put over the archive; None where something of it was deleted."""
        self._order: list[str] = []
        """The keys of what was changed; Python orders text as S3 orders its UTF-8 bytes."""

    @property
    def keys(self) -> int:
        """How many keys it holds."""
        added = sum(1 for key, kept in self._changed.items() if kept and not self.archive.find(key))
        deleted = sum(1 for kept in self._changed.values() if kept is None)
        return self.archive.keys + added - deleted

    def get(self, key: str) -> Object | None:
        """The object under a key."""
        if key in self._changed:
            return self._changed[key]
        entry = self.archive.find(key)
        if entry is None:
            return None
        is_sidecar = entry.stamp is not None
        headers = {"content-type": "application/json" if is_sidecar else "audio/mpeg"}
        if entry.stamp is not None:
            headers["x-amz-meta-nightscribe"] = entry.stamp
        return Object(entry.etag, entry.size_bytes, headers=headers)

    def put(
        self, key: str, body: bytes, headers: Mapping[str, str], *, if_match: str | None, if_none_match: str | None
    ) -> Object:
        """Writes an object when the conditions hold, as AWS judges them.

        Raises `ConditionError`, and `NoSuchKeyError` for `if_match` on nothing.
        """
        there = self.get(key)
        if if_match is not None and there is None:
            raise NoSuchKeyError(key)
        if if_match is not None and there is not None and if_match not in ("*", there.etag):
            raise ConditionError(key)
        if if_none_match is not None and there is not None and if_none_match in ("*", there.etag):
            raise ConditionError(key)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        written = Object(etag, len(body), modified, body, dict(headers))
        self._change(key, written)
        return written

    def delete(self, key: str) -> None:
        """Deletes what is there; nothing is no error."""
        if self.archive.find(key):
            self._change(key, None)
        elif self._changed.pop(key, None):
            del self._order[bisect_left(self._order, key)]

    def page(self, prefix: str, after: str, max_keys: int, *, url_encoded: bool) -> Page:
        """The first keys under the prefix that come after `after`."""
        found = list(islice(self._contents(prefix, after, url_encoded=url_encoded), max_keys + 1))
        shown = found[:max_keys]
        return Page(tuple(element for _, element in shown), shown[-1][0] if shown else "", len(found) > max_keys > 0)

    def _change(self, key: str, new: Object | None) -> None:
        if key not in self._changed:
            insort(self._order, key)
        self._changed[key] = new

    def _contents(self, prefix: str, after: str, *, url_encoded: bool) -> Iterator[tuple[str, str]]:
        length = len(prefix)
        archive = self.archive
        start = archive.position(lambda key: key <= after or key[:length] < prefix)
        stop = archive.position(lambda key: key[:length] <= prefix)
        first = max(bisect_left(self._order, prefix), bisect_right(self._order, after))
        for key in islice(self._order, first, None):
            if not key.startswith(prefix):
                break
            yield from archive.contents(start, archive.position(partial(gt, key)))
            if kept := self._changed[key]:
                yield key, _element(key, kept, url_encoded=url_encoded)
            start = max(start, archive.position(partial(ge, key)))
        yield from archive.contents(start, stop)


def encoded(text: str, *, url_encoded: bool) -> str:
    """A key or prefix as a listing writes it: S3's url encoding (a space is `+`), or XML alone."""
    if url_encoded:
        return quote_plus(text, safe="/*")
    return _CONTROLS.sub(lambda found: f"&#x{ord(found.group()):x};", escape(text))


def _element(key: str, kept: Object, *, url_encoded: bool) -> str:
    return (
        f"<Contents><Key>{encoded(key, url_encoded=url_encoded)}</Key><LastModified>{kept.modified}</LastModified>"
        f"<ETag>&quot;{kept.etag}&quot;</ETag><Size>{kept.size_bytes}</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents>"
    )
