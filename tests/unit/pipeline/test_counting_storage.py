"""A storage that counts: every call reaches the store behind it, and is counted once by its HTTP method."""

from __future__ import annotations

import pytest

from pipeline.errors import SourceGoneError
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.counting import CountingStorage
from pipeline.storage.memory import MemoryStorage


def test_every_request_is_passed_on_and_counted_by_its_method():
    behind = MemoryStorage(page_keys=1)
    storage = CountingStorage(behind)

    etag = storage.write("b", "a", b"first", content_type="text/plain", metadata={"m": "1"})
    newer = storage.write("b", "a", b"second", content_type="text/plain", if_match=etag)
    storage.write("b", "c", b"", content_type="text/plain")
    listed = list(storage.list("b", ""))

    assert [(item.key, item.size_bytes) for item in listed] == [("a", 6), ("c", 0)]
    assert storage.head("b", "a").etag == newer
    assert storage.read("b", "a").body == b"second"
    assert storage.read_range("b", "a", 1, 2, if_match=newer).body == b"ec"
    assert "/b/a?" in storage.presign("b", "a", version_id=None, expires_s=60)
    storage.delete("b", "a")
    storage.delete_many("b", ["c"])
    assert list(behind.list("b", "")) == []
    assert storage.server == behind.server
    assert storage.requests == {"PUT": 3, "LIST": 2, "HEAD": 1, "GET": 2, "DELETE": 1, "POST": 1}


def test_a_request_that_is_refused_counts_too():
    """S3 charges for it."""
    storage = CountingStorage(MemoryStorage())

    with pytest.raises(PreconditionFailedError):
        storage.write("b", "a", b"", content_type="text/plain", if_match="other")
    with pytest.raises(SourceGoneError):
        storage.read_range("b", "a", 0, 1, if_match="other")

    assert storage.read("b", "a") is None
    assert storage.requests == {"PUT": 1, "GET": 2}
