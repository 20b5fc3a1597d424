"""A listing in key ranges is the listing in one stream: the same keys, once each, in order."""

from __future__ import annotations

import threading
from itertools import pairwise

import builders
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.discover import ranges
from pipeline.discover.cutting import Measured, SeenKeys, cut
from pipeline.errors import ConfigurationError, ServiceUnavailableError
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


def measured(keys):
    """What the pages between these keys tell."""
    return [Measured(after, to, 1) for after, to in pairwise(sorted(keys))]


@given(st.lists(texts, min_size=2, max_size=8, unique=True), texts, st.none() | texts, st.integers(1, 30))
def test_a_cut_lies_between_what_is_listed_and_the_end(keys, at, until, pages):
    assume(until is None or at < until)

    found = cut(seen_keys([*keys, at]), measured(keys), at, until, pages)

    assert found is None or (at < found.key and (until is None or found.key < until))
    assert found is None or found.pages_left >= 0


@given(st.lists(texts, min_size=2, max_size=8, unique=True), texts)
def test_a_cut_lies_within_the_prefix(keys, at):
    keys, at = [f"p/{key}" for key in keys], f"p/{at}"

    found = cut(seen_keys([*keys, at]), measured(keys), at, None, 30)

    assert found is None or found.key.startswith("p/")
    assert found is None or found.key.encode()


@given(st.lists(texts, min_size=1, max_size=8), texts, texts, st.integers(1, 14))
def test_a_greater_key_makes_no_smaller_number(keys, one, other, places):
    seen = seen_keys(keys)
    less, greater = sorted((one, other))

    assert seen.number(less, places) <= seen.number(greater, places)


@given(st.lists(texts, min_size=1, max_size=8), st.data())
def test_a_seen_key_is_made_again_of_its_number(keys, data):
    key = data.draw(st.sampled_from(sorted(keys, key=len)[-1:]))
    seen = seen_keys(keys)

    assert seen.key(seen.number(key, len(key)), len(key)) == key


EPISODES = seen_keys(f"show-{show:03}/{episode}.mp3" for show in range(0, 100, 3) for episode in range(3))
TEN_PAGES = [Measured("show-000/0.mp3", "show-010/0.mp3", 10)]


def test_a_range_without_an_end_is_cut_so_many_pages_ahead():
    found = cut(EPISODES, TEN_PAGES, "show-040/0.mp3", None, 28)

    assert found is not None
    assert (found.key[:8], found.pages_left) == ("show-068", float("inf"))


def test_a_range_with_an_end_is_cut_half_way():
    found = cut(EPISODES, TEN_PAGES, "show-040/0.mp3", "show-060/0.mp3", 28)

    assert found is not None
    assert (found.key[:8], found.pages_left) == ("show-050", 20)


def test_where_nothing_is_known_a_range_is_cut_behind_all_that_is():
    found = cut(EPISODES, TEN_PAGES, "show-090/0.mp3", None, 28)

    assert found is not None
    assert found.key == "show-0:"


def test_keys_that_tell_nothing_are_not_cut():
    assert cut(EPISODES, [Measured("show-000/0.mp3", "show-000/0.mp3", 1)], "show-040/0.mp3", None, 28) is None


class Unordered(MemoryStorage):
    """Lists the other way round."""

    def list(self, bucket, prefix):
        return reversed(list(super().list(bucket, prefix)))


@given(shapes)
def test_what_a_store_lists_in_an_order_of_its_own_is_sorted_on_disk(keys):
    unordered = builders.settings(NIGHTSCRIBE_S3_LISTS_IN_ORDER="false").s3

    assert listed(store(keys, kind=Unordered), unordered) == sorted(keys, key=str.encode)


class Reversed(MemoryStorage):
    """Lists each page the other way round."""

    def page(self, *place, **begin):
        page = super().page(*place, **begin)
        page._rows.reverse()
        return page


def test_a_store_that_lists_in_another_order_is_refused_with_what_to_do():
    with pytest.raises(ConfigurationError, match="NIGHTSCRIBE_S3_LISTS_IN_ORDER=false") as caught:
        listed(store(["a.mp3", "b.mp3"], kind=Reversed), NEVER)

    assert caught.value.reason == "listing_unordered"
    assert "'a.mp3' after 'b.mp3'" in str(caught.value)


def test_the_order_holds_from_one_page_to_the_next():
    class Repeating(MemoryStorage):
        """Gives its first page again and again."""

        def page(self, bucket, prefix, *, after="", token=None):
            page = super().page(bucket, prefix)
            page.next_token = "again" if token is None else None
            return page

    with pytest.raises(ConfigurationError) as caught:
        listed(store(["a", "b"], kind=Repeating), NEVER)

    assert caught.value.reason == "listing_unordered"
