"""discover: one listing, each audio object with the sidecar that the same listing holds."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import listed_in

from pipeline.discover import Selection, Sighting, discover
from pipeline.errors import ConfigurationError
from pipeline.models import Place
from pipeline.storage.memory import MemoryStorage

EXTENSIONS = frozenset({"mp3", "wav"})
S3 = builders.settings().s3
ARCHIVE = Place(bucket="podcasts")


def storage_with(*keys, bucket="podcasts"):
    storage = MemoryStorage()
    for key in keys:
        storage.put(bucket, key, key.encode())
    return storage


def seen(storage, *, archive=ARCHIVE, output=builders.OUTPUT, include=(), exclude=()):
    return list(listed_in(storage, archive, output, Selection(EXTENSIONS, include, exclude), S3))


def test_audio_is_found_in_key_order_and_nothing_else_is():
    storage = storage_with("b.mp3", "a.WAV", "cover.jpg", "notes.txt", "mp3", "c.mp3.transcript.json")

    assert [item.key for item in seen(storage)] == ["a.WAV", "b.mp3"]


def test_a_sidecar_is_seen_in_the_same_listing_even_when_other_keys_lie_between():
    """`ep.mp3 (copy).mp3` sorts between `ep.mp3` and its sidecar."""
    storage = storage_with("ep.mp3", "ep.mp3 (copy).mp3", "ep.mp3-2.mp3", "ep.mp3.transcript.json", "f.mp3")

    found = {item.key: item.sidecar_etag is not None for item in seen(storage)}

    assert found == {"ep.mp3": True, "ep.mp3 (copy).mp3": False, "ep.mp3-2.mp3": False, "f.mp3": False}
    assert storage.calls == {"list": 1}


def test_results_elsewhere_are_matched_by_a_second_listing():
    storage = storage_with("shows/a b.mp3", "shows/a.mp3")
    storage.put("results", "out/shows/a.mp3.transcript.json", b"{}")
    storage.put("results", "out/other/a.mp3.transcript.json", b"{}")

    items = seen(
        storage, archive=Place(bucket="podcasts", prefix="shows/"), output=Place(bucket="results", prefix="out/")
    )

    assert {item.key: item.sidecar_etag is not None for item in items} == {
        "shows/a b.mp3": False,
        "shows/a.mp3": True,
    }
    assert storage.calls == {"list": 2}


def test_our_own_state_is_never_audio():
    storage = storage_with("_nightscribe/x.mp3", "shows/_nightscribe/runs/y.mp3", "z.mp3")

    assert [item.key for item in seen(storage)] == ["z.mp3"]


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        (("*/2024/*",), (), ["a/2024/x.mp3"]),
        ((), ("a/*",), ["b.mp3"]),
        (("a/*",), ("*/2024/*",), ["a/x.mp3"]),
    ],
)
def test_globs_mark_what_is_left_out_and_still_yield_it(include, exclude, kept):
    """Excluded objects stay in the stream, for the manifest holds every object (I2)."""
    items = seen(storage_with("a/2024/x.mp3", "a/x.mp3", "b.mp3"), include=include, exclude=exclude)

    assert len(items) == 3
    assert [item.key for item in items if not item.excluded] == kept


@pytest.mark.parametrize("extensions", [{"mp3"}, {"mp3", "b"}, {"a.mp3"}, {""}, set()])
@pytest.mark.parametrize("key", ["x.mp3", "x.MP3", "x.a.mp3", "mp3", "x.", ".mp3", "a.b/mp3", "x.b"])
def test_many_keys_are_judged_as_each_alone(extensions, key):
    chosen = Selection(frozenset(extensions))

    assert chosen.are_audio([key]) == [chosen.is_audio(key)]
    assert chosen.are_audio([key, "x.mp3"]) == [chosen.is_audio(key), chosen.is_audio("x.mp3")]


def test_the_sighting_counts_what_was_passed():
    sighting = Sighting()

    storage = storage_with("a.mp3", "b.txt")
    list(listed_in(storage, ARCHIVE, builders.OUTPUT, Selection(EXTENSIONS), S3, sighting=sighting))

    assert (sighting.keys, sighting.audio) == (2, 1)


# Names that begin like one another, and like one another's sidecars.
names = st.lists(
    st.sampled_from(["a", "b", ".mp3", "-", " ", "~", "é", ".transcript.json"]), min_size=1, max_size=5
).map("".join)
BESIDE = builders.OUTPUT
APART = Place(bucket="results")
IN_A_FOLDER = Place(bucket="podcasts", prefix="results/")


@given(
    st.sets(names, max_size=12),
    st.sets(names, max_size=12),
    st.sets(names, max_size=4),
    st.sampled_from([BESIDE, APART, IN_A_FOLDER]),
    st.integers(1, 5),
)
def test_any_set_of_keys_gives_each_audio_object_once_with_its_own_sidecar(
    audio, transcribed, others, output, page_keys
):
    """Against a naive dictionary model, whatever lies between and however pages are cut."""
    keys = {f"{name}.mp3" for name in audio}
    storage = MemoryStorage(page_keys)
    for key in keys | {f"{name}.txt" for name in others}:
        storage.put("podcasts", key, key.encode())
    sidecars = {
        f"{name}.mp3": storage.put(output.bucket, f"{output.prefix}{name}.mp3.transcript.json", name.encode())
        for name in transcribed
    }

    items = seen(storage, output=output)

    assert [item.key for item in items] == sorted(keys, key=str.encode)
    assert {item.key: item.sidecar_etag for item in items} == {key: sidecars.get(key) for key in keys}


def test_many_keys_between_an_object_and_its_sidecar_are_held_back_page_by_page():
    between = [f"a.mp3.d/{number:04}.mp3" for number in range(50)]
    storage = MemoryStorage(page_keys=5)
    for key in (
        "a.mp3",
        *between,
        "a.mp3.transcript.json",
        *(f"{key}.transcript.json" for key in between[::2]),
        "b.mp3",
    ):
        storage.put("podcasts", key, key.encode())

    stretches = list(discover(storage, ARCHIVE, BESIDE, Selection(EXTENSIONS), S3))

    assert max(len(stretch.keys) for stretch in stretches) <= 5
    found = {item.key: item.sidecar_etag is not None for stretch in stretches for item in stretch.found()}
    assert found == {"a.mp3": True, "b.mp3": False} | {key: key in between[::2] for key in between}


def test_a_store_that_lists_in_an_order_of_its_own_is_told_with_what_to_do():
    class Unordered(MemoryStorage):
        def page(self, *place, **begin):
            page = super().page(*place, **begin)
            page._rows.reverse()
            return page

    storage = Unordered()
    for key in ("a.mp3", "b.mp3"):
        storage.put("podcasts", key, b"x")

    with pytest.raises(ConfigurationError, match="NIGHTSCRIBE_S3_LISTS_IN_ORDER=false"):
        seen(storage)
