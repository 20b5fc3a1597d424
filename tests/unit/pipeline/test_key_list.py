"""key_list: the keys that somebody names, each looked at once, in key order."""

from __future__ import annotations

import threading
from dataclasses import replace

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import listed_in

from pipeline.discover import Selection
from pipeline.discover.key_list import KeySighting, key_list
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.models import Place
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts")
CHOSEN = Selection(frozenset({"mp3", "wav"}), exclude=("*no*",))

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
outputs = st.sampled_from([Place(bucket="podcasts"), Place(bucket="podcasts", prefix="é/"), Place(bucket="texts")])


def seen(storage, *lines, archive=ARCHIVE, output=builders.OUTPUT, sighting=None, nul_separated=False):
    return list(key_list(storage, lines, archive, output, CHOSEN, sighting=sighting, nul_separated=nul_separated))


def storage_with(*keys):
    storage = MemoryStorage()
    for key in keys:
        storage.put("podcasts", key, key.encode())
    return storage


def pieces_of(text, sizes):
    """The same bytes in pieces of these sizes, over and over."""
    while text:
        for size in sizes:
            yield text[:size]
            text = text[size:]


@settings(deadline=None)
@given(
    st.lists(names.map("{}.mp3".format), max_size=12),
    outputs,
    st.randoms(use_true_random=False),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_all_keys_in_any_order_give_what_the_listing_gives(keys, output, chance, sizes):
    storage = storage_with(*keys)
    for key in keys[::2]:
        storage.put(output.bucket, f"{output.prefix}{key}.transcript.json", b"{}")
    named = [f"s3://podcasts/{key}" if chance.random() < 0.5 else key for key in keys] + keys[:3]
    chance.shuffle(named)

    found = seen(storage, *pieces_of("\0".join(named).encode(), sizes), output=output, nul_separated=True)

    assert found == list(listed_in(storage, ARCHIVE, output, CHOSEN, builders.settings().s3))


def test_lines_may_end_as_on_windows_be_empty_and_name_a_key_twice():
    storage = storage_with("a.mp3", " b.mp3", "c.mp3")

    found = seen(storage, b"\xef\xbb\xbfc.mp3\r\n", b"\n\r\na.mp3\n", b"s3://podcasts/a.mp3\n", b" b.mp3")

    assert [item.key for item in found] == [" b.mp3", "a.mp3", "c.mp3"]
    assert storage.calls == {"head": 6}


@pytest.mark.parametrize("lines", [(), (b"",), (b"\n\n",), (b"\xef\xbb\xbf\n",)])
def test_an_empty_list_names_nothing(lines):
    storage = MemoryStorage()

    assert seen(storage, *lines) == []
    assert storage.calls == {}


def test_a_key_with_a_line_in_it_can_be_named_with_nul_bytes():
    storage = storage_with("a\nb\r.mp3", "\n")

    found = seen(storage, b"a\nb\r.mp3\0", b"\n\0\0", nul_separated=True)

    assert [item.key for item in found] == ["\n", "a\nb\r.mp3"]


def test_what_is_named_is_audio_whatever_it_ends_with():
    found = seen(storage_with("a.webm", "b", "c.mp3.transcript.json", "no.mp3"), b"b\na.webm\nno.mp3\n")

    assert [(item.key, item.excluded) for item in found] == [("a.webm", False), ("b", False), ("no.mp3", True)]


def test_keys_that_do_not_exist_are_counted_and_stop_nobody():
    sighting = KeySighting()
    lines = b"".join(f"gone-{number}.mp3\n".encode() for number in range(100))

    found = seen(storage_with("m.mp3"), lines, b"m.mp3\n", sighting=sighting)

    assert [item.key for item in found] == ["m.mp3"]
    assert (sighting.keys, sighting.audio, sighting.missing) == (101, 1, 100)
    assert sighting.examples == ["gone-0.mp3", "gone-1.mp3", "gone-10.mp3"]


def test_the_sidecar_of_a_key_that_is_too_long_is_not_asked_for():
    key = "é" * 505 + ".mp3"
    storage = storage_with(key)

    (found,) = seen(storage, key.encode())

    assert found.sidecar_etag is None
    assert storage.calls == {"head": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"s3://others/shows/a.mp3", "another bucket"),
        (b"s3://podcasts/", "no key"),
        (b"s3://podcasts", "no key"),
        (b"other/a.mp3", "not under s3://podcasts/shows/"),
        (b"shows/\xff.mp3", "not UTF-8"),
        (b"shows/" + b"x" * 1019, "1,024 bytes"),
        (b"shows/" + b"x" * 100_000, "longer than any key"),
        (b"shows/a.mp3.transcript.json", "Nightscribe's own"),
        (b"shows/_nightscribe/a.mp3", "Nightscribe's own"),
    ],
)
@pytest.mark.parametrize("nul_separated", [False, True])
def test_a_line_that_cannot_be_meant_is_told_with_its_number_before_anything_is_asked(line, said, nul_separated):
    storage = storage_with("shows/a.mp3")
    end = b"\0" if nul_separated else b"\n"

    with pytest.raises(ConfigurationError) as caught:
        seen(
            storage, b"shows/a.mp3" + end + end + line,
            archive=Place(bucket="podcasts", prefix="shows/"), nul_separated=nul_separated,
        )  # fmt: skip

    assert caught.value.message.startswith(f"{'Key' if nul_separated else 'Line'} 3 of the list ")
    assert said in caught.value.message
    assert storage.calls == {}


def test_many_are_looked_at_at_once_and_only_so_many():
    """Each look waits until as many as may be are under way; one more would never come."""

    class Slow(MemoryStorage):
        together = threading.Barrier(32, timeout=60)
        ahead = 0

        def head(self, bucket, key):
            if not key.endswith(".json"):
                self.together.wait()
            return super().head(bucket, key)

    storage = Slow()
    for number in range(96):
        storage.put("podcasts", f"{number:03}.mp3", b"x")

    def lines():
        yield from (f"{number:03}.mp3\n".encode() for number in range(96))

    stream = key_list(storage, lines(), ARCHIVE, builders.OUTPUT, CHOSEN)
    assert next(stream).key == "000.mp3"
    assert [item.key for item in stream] == [f"{number:03}.mp3" for number in range(1, 96)]


def test_a_versioned_bucket_gives_the_ids_that_a_listing_would_give():
    """A job found by its name must be the one that a listing finds: its intent is looked for by the job's id."""

    class Versioned(MemoryStorage):
        def head(self, bucket, key):
            head = super().head(bucket, key)
            return replace(head, version_id="v1") if head else None

    storage = Versioned()
    storage.put("podcasts", "a.mp3", b"a")

    assert seen(storage, b"a.mp3") == list(listed_in(storage, ARCHIVE, builders.OUTPUT, CHOSEN, builders.settings().s3))


def test_a_store_that_is_away_ends_it():
    class Away(MemoryStorage):
        def head(self, bucket, key):
            raise ServiceUnavailableError("S3 is away")

    with pytest.raises(ServiceUnavailableError):
        seen(Away(), b"a.mp3\n" * 5, b"b.mp3\n")
