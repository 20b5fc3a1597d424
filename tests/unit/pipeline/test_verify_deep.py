"""verify --deep: what a sidecar itself says."""

from __future__ import annotations

import finished
import msgspec
import pytest
from finished import sidecar

from pipeline import keys
from pipeline.errors import ServiceUnavailableError
from pipeline.manifest.sums import Sums
from pipeline.models import Place
from pipeline.verify import Difference, Listings, verify

BESIDE = Place(bucket="podcasts")


@pytest.fixture
def archive():
    return finished.small_archive()


def test_deep_names_a_sidecar_that_keeps_not_to_its_schema(archive):
    body = archive.body(sidecar("b.mp3")).replace(b'"text":', b'"words_said":', 1)
    archive.put(sidecar("b.mp3"), body)
    etag = archive.storage.head("podcasts", sidecar("b.mp3")).etag
    archive.rows["b.mp3"] = archive.rows["b.mp3"].model_copy(update={"sidecar_etag": etag})
    archive.finish(part_rows=2)

    assert archive.differences() == []
    assert archive.differences(deep=True) == [("sidecar_unreadable", sidecar("b.mp3"))]


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        (b'"etag": "', b'"etag": "0', "object"),
        (b'"text": "Hello night."', b'"text": "Hello"', "words"),
        (b'"duration_s": 61.37', b'"duration_s": 61.38', "duration_s"),
        (b'"usd": 0.0123', b'"usd": 0.0124', "cost_usd"),
        (b'"attempts": 1', b'"attempts": 2', "attempts"),
    ],
)
def test_deep_names_a_sidecar_that_says_otherwise_than_its_row(archive, was, now, named):
    """With the ETag of the row, as one would have that was copied from another object."""
    archive.put(sidecar("b.mp3"), archive.body(sidecar("b.mp3")).replace(was, now, 1))
    etag = archive.storage.head("podcasts", sidecar("b.mp3")).etag
    archive.rows["b.mp3"] = archive.rows["b.mp3"].model_copy(update={"sidecar_etag": etag})
    archive.finish(part_rows=2)

    (difference, _) = archive.events(deep=True)

    assert archive.differences() == []
    assert (difference.kind, difference.key) == ("sidecar_wrong", sidecar("b.mp3"))
    assert named in difference.detail


def test_deep_names_a_sidecar_that_goes_while_it_is_verified(archive):
    listings = archive.listings()
    listed = list(listings.archive)
    archive.storage.delete("podcasts", sidecar("b.mp3"))

    events = verify(archive.storage, BESIDE, BESIDE, Listings(listed, finished.IS_AUDIO), Sums, deep=True)

    assert [told.kind for told in events if isinstance(told, Difference)] == ["sidecar_missing"]


def test_deep_names_a_sidecar_that_is_written_again_while_it_is_verified(archive):
    listed = list(archive.listings().archive)
    archive.put(sidecar("b.mp3"), archive.body(sidecar("b.mp3")) + b"\n")

    events = verify(archive.storage, BESIDE, BESIDE, Listings(listed, finished.IS_AUDIO), Sums, deep=True)

    assert [told.kind for told in events if isinstance(told, Difference)] == ["sidecar_changed"]


def test_deep_does_not_read_what_is_too_large_for_a_sidecar(archive):
    listed = [
        msgspec.structs.replace(one, size_bytes=10**9) if one.key == sidecar("b.mp3") else one
        for one in archive.listings().archive
    ]

    events = list(verify(archive.storage, BESIDE, BESIDE, Listings(listed, finished.IS_AUDIO), Sums, deep=True))

    assert [(told.kind, told.key) for told in events[:-1]] == [("sidecar_unreadable", sidecar("b.mp3"))]
    assert "1000000000 bytes" in events[0].detail


def test_a_store_that_is_away_is_no_difference(archive):
    def away(*_):
        raise ServiceUnavailableError("S3 is away")

    real = archive.storage.read
    archive.storage.read = lambda bucket, key: (away if key.endswith(keys.SIDECAR_SUFFIX) else real)(bucket, key)

    with pytest.raises(ServiceUnavailableError):
        archive.events(deep=True)
