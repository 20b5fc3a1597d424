"""A listing in key ranges is the listing in one stream: the same keys, once each, in order."""

from __future__ import annotations

import threading

import builders
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.discover import ranges
from pipeline.discover.cutting import SeenKeys, cut_before, cut_behind
from pipeline.errors import ServiceUnavailableError
from pipeline.models import Place
from pipeline.storage.memory import MemoryStorage

ALWAYS = builders.settings(NIGHTSCRIBE_S3_LIST_RANGES_PAY_S="0", NIGHTSCRIBE_S3_LIST_RANGES="5").s3
NEVER = builders.settings(NIGHTSCRIBE_S3_LIST_RANGES="1").s3
BUCKET = builders.BUCKET


def store(keys, page_keys=3, kind=MemoryStorage):
    storage = kind(page_keys)
    for key in keys:
        storage.put(BUCKET, key, key.encode())
    return storage


def listed(storage, settings, prefix=""):
    return [entry.key for entry in ranges.listing(storage, Place(bucket=BUCKET, prefix=prefix), settings)]


def episodes(shows, of_each):
    """Keys of an archive."""
    return {f"show-{show:04}/episode-{number:03}.mp3" for show in range(shows) for number in range(of_each)}


characters = st.characters(exclude_categories=["Cs"])
shapes = st.one_of(
    st.sets(st.text("ab/", min_size=1, max_size=8), min_size=30, max_size=150),
    st.sets(st.text(characters, min_size=1, max_size=4), min_size=30, max_size=80),
    st.sets(st.integers(0, 10**6).map("{:07}".format), min_size=60, max_size=150),
    st.builds(episodes, st.integers(1, 12), st.integers(1, 15)),
)


@given(shapes)
@example({f"{'x' * 50}{number}" for number in range(120)})
@example({f"2024/{month:02}/{day:02}.mp3" for month in range(1, 13) for day in range(1, 29)})
def test_ranges_list_what_one_stream_lists(keys):
    storage = store(keys)

    assert listed(storage, ALWAYS) == sorted(keys, key=str.encode)
    assert storage.calls["list"] <= len(keys) + 40


@given(shapes, st.text("ab/012", max_size=2))
def test_a_prefix_bounds_every_range(keys, prefix):
    assert listed(store(keys), ALWAYS, prefix) == sorted(
        (key for key in keys if key.startswith(prefix)), key=str.encode
    )


@pytest.mark.parametrize("count", [0, 1, 299, 300, 301])
def test_one_stream_costs_one_request_per_page(count):
    storage = store((f"{number:05}" for number in range(count)), page_keys=100)

    assert len(listed(storage, NEVER)) == count
    assert storage.calls == {"list": max(1, -(-count // 100))}


def test_a_short_listing_is_never_cut():
    storage = store(episodes(2, 12))

    listed(storage, ALWAYS)

    assert storage.calls == {"list": 8}


class Slow(MemoryStorage):
    """Answers a page only when as many are asked for at once as there may be, or no more will be."""

    def __init__(self, page_keys):
        super().__init__(page_keys)
        self.together = 0
        self.most = 0
        self._lock_of_counts = threading.Lock()

    def page(self, bucket, prefix, *, after="", token=None):
        with self._lock_of_counts:
            self.together += 1
            self.most = max(self.most, self.together)
        try:
            threading.Event().wait(0.002)
            return super().page(bucket, prefix, after=after, token=token)
        finally:
            with self._lock_of_counts:
                self.together -= 1


def test_a_long_listing_is_asked_for_in_several_places_at_once():
    storage = store(episodes(200, 40), page_keys=20, kind=Slow)

    assert len(listed(storage, ALWAYS)) == 8000
    assert storage.most == 5
    assert storage.calls["list"] <= 400 * 1.3


def test_what_is_kept_for_later_is_bounded(monkeypatch):
    """A reader who stops reading stops the listing too."""
    monkeypatch.setattr(ranges, "_KEPT_PAGES", 10)
    storage = store(episodes(60, 40), page_keys=10)
    reader = ranges.listing(storage, Place(bucket=BUCKET), ALWAYS)
    for _ in range(90):
        next(reader)
    settled = threading.Event()
    last = -1
    while last != (last := storage.calls["list"]):
        settled.wait(0.1)

    asked = storage.calls["list"]
    rest = len(list(reader))

    # Read, kept, kept of the first ranges in any case, under way, and for nothing: of 240 pages.
    assert asked <= 9 + 10 + 5 * ranges._AHEAD + 5 + 10
    assert rest == 2400 - 90


def test_one_stream_is_only_a_few_pages_ahead_of_a_slow_reader():
    storage = store(episodes(60, 40), page_keys=10)
    reader = ranges.listing(storage, Place(bucket=BUCKET), NEVER)
    next(reader)
    settled = threading.Event()
    last = -1
    while last != (last := storage.calls["list"]):
        settled.wait(0.1)

    assert last <= 1 + ranges._AHEAD + 1
    reader.close()


def test_a_reader_who_goes_away_leaves_no_thread():
    reader = ranges.listing(store(episodes(30, 20)), Place(bucket=BUCKET), ALWAYS)
    for _ in range(100):
        next(reader)

    reader.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("list-")]


class Failing(MemoryStorage):
    """Is away from the twentieth page on."""

    def page(self, bucket, prefix, *, after="", token=None):
        if self.calls.get("list", 0) >= 20:
            raise ServiceUnavailableError("S3 is away.")
        return super().page(bucket, prefix, after=after, token=token)


def test_an_error_in_any_range_ends_the_listing():
    with pytest.raises(ServiceUnavailableError, match="S3 is away"):
        listed(store(episodes(30, 20), kind=Failing), ALWAYS)


texts = st.text(characters, max_size=12)


def seen_keys(keys):
    seen = SeenKeys()
    for key in keys:
        seen.add(key)
    return seen


@given(st.lists(texts, max_size=8), texts, st.lists(texts, min_size=2, max_size=2, unique=True), st.integers(1, 9))
def test_a_cut_lies_between_what_is_listed_and_the_end(keys, begun, bounds, pages):
    at, until = sorted(bounds)

    cut = cut_before(seen_keys([*keys, at]), begun, at, until, pages)

    assert cut is None or (at < cut.key < until and cut.pages_left > 0)


@given(texts, texts)
def test_a_cut_without_an_end_lies_behind_what_is_listed_and_within_the_prefix(begun, rest):
    at = f"p/{begun}{rest}"

    cut = cut_behind("p/", f"p/{begun}", at)

    assert cut is None or (at < cut.key and cut.key.startswith("p/") and cut.key.encode())


def test_a_cut_is_made_half_way_among_what_other_keys_have_there():
    seen = seen_keys(f"show-00{number:02}/a.mp3" for number in range(0, 100, 11))

    cut = cut_before(seen, begun="show-0000/a", at="show-0022/b.mp3", until="show-0099/", pages=6)

    assert cut is not None
    assert (cut.key, cut.pages_left) == ("show-006", 18.0)


def test_a_range_without_an_end_is_cut_behind_what_begins_alike():
    cut = cut_behind("", begun="show-0012/a.mp3", at="show-0019/b.mp3")

    assert cut is not None
    assert cut.key == "show-002"


class Unordered(MemoryStorage):
    """Lists the other way round."""

    def list(self, bucket, prefix):
        return reversed(list(super().list(bucket, prefix)))


@given(shapes)
def test_what_a_store_lists_in_an_order_of_its_own_is_sorted_on_disk(keys):
    unordered = builders.settings(NIGHTSCRIBE_S3_LISTS_IN_ORDER="false").s3

    assert listed(store(keys, kind=Unordered), unordered) == sorted(keys, key=str.encode)
