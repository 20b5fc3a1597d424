"""verify: a right manifest differs in nothing; what is not as the manifest says is named, and nothing else."""

from __future__ import annotations

import builders
import finished
import pytest
from finished import FinishedArchive, sidecar
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.discover.ranges import listing
from pipeline.errors import ConfigurationError
from pipeline.manifest.sums import Sums
from pipeline.models import PLANNED, Place, State
from pipeline.storage.base import Listed
from pipeline.storage.memory import MemoryStorage
from pipeline.verify import Listings, Tally, verify

BESIDE = Place(bucket="podcasts")

# Names that stand before, on and behind the place of another's sidecar.
stems = st.text(st.sampled_from("ab-./~é\x01 %\U0001f319"), min_size=1, max_size=6)
keys_of_audio = st.builds("{}{}".format, stems, st.sampled_from([".mp3", ".mp3-b.mp3", ".mp3.transcript.json.mp3"]))
places = st.sampled_from(
    [
        (BESIDE, BESIDE),
        (Place(bucket="podcasts", prefix="a"), BESIDE),
        (BESIDE, Place(bucket="podcasts", prefix="out/")),
        (BESIDE, Place(bucket="transcripts")),
        (Place(bucket="podcasts", prefix="a"), Place(bucket="transcripts", prefix="a/")),
    ]
)
kinds = st.sampled_from(["done", "done by an earlier run", "silent", "failed", "uncertain", "pending", "skipped"])


def put(archive, key, kind):
    match kind:
        case "done":
            archive.transcribed(key)
        case "done by an earlier run":
            archive.transcribed(key, run_id="run0", cost_usd=None, duration_s=0.1)
        case "silent":
            archive.transcribed(key, text="")
        case "failed":
            archive.failed(key)
        case "uncertain":
            archive.failed(key, State.UNCERTAIN, "submit_reply_lost")
        case "pending":
            archive.failed(key, State.PENDING, PLANNED)
        case "skipped":
            archive.failed(key, State.SKIPPED, "excluded")


@pytest.fixture
def archive():
    return finished.small_archive()


@settings(deadline=None)
@given(st.dictionaries(keys_of_audio, kinds, max_size=12), places, st.integers(1, 5))
def test_a_right_manifest_differs_in_nothing(episodes, where, part_rows):
    archive = FinishedArchive(*where)
    for key, kind in episodes.items():
        put(archive, archive.archive.prefix + key, kind)
    archive.storage.put(archive.archive.bucket, f"{archive.archive.prefix}notes.txt", b"a stranger's")
    archive.storage.put(archive.archive.bucket, f"{archive.archive.prefix}talk.transcript.json", b"a stranger's, too")
    archive.finish(part_rows=part_rows)

    *differences, tally = archive.events(deep=True)

    assert differences == []
    done = sum(row.state is State.DONE for row in archive.rows.values())
    assert (tally.rows, tally.objects, tally.sidecars) == (len(archive.rows), len(archive.rows), done)
    assert (tally.sidecars_read, tally.not_compared, tally.run_id) == (done, 0, "run1")


def test_without_deep_no_object_is_asked_for(archive):
    before = dict(archive.storage.calls)

    archive.events()

    asked = {name: count - before.get(name, 0) for name, count in archive.storage.calls.items()}
    assert {name: count for name, count in asked.items() if count} == {"list": 1, "read": 4}  # and two parts


def test_an_object_that_came_after_the_manifest_is_named(archive):
    archive.audio("b2.mp3")

    assert archive.differences() == [("object_without_row", "b2.mp3")]


def test_an_object_that_was_deleted_is_named(archive):
    archive.storage.delete("podcasts", "c.mp3")

    assert archive.differences() == [("row_without_object", "c.mp3")]


def test_a_deleted_object_whose_sidecar_stands_is_named_once(archive):
    archive.storage.delete("podcasts", "b.mp3")

    assert archive.differences() == [("row_without_object", "b.mp3")]


def test_an_object_that_was_replaced_is_named(archive):
    archive.audio("b.mp3", b"another recording")

    assert archive.differences() == [("object_changed", "b.mp3")]


def test_a_sidecar_that_was_deleted_is_named(archive):
    archive.storage.delete("podcasts", sidecar("b.mp3"))

    assert archive.differences() == [("sidecar_missing", sidecar("b.mp3"))]


def test_a_sidecar_that_was_edited_is_named(archive):
    body = archive.body(sidecar("d.mp3"))
    archive.put(sidecar("d.mp3"), body.replace(b"Hello", b"Howdy"))

    assert archive.differences() == [("sidecar_changed", sidecar("d.mp3"))]


def test_a_sidecar_that_no_row_names_is_named(archive):
    archive.put(sidecar("b.mp3-gone.mp3"), b"{}")

    assert archive.differences() == [("sidecar_without_row", sidecar("b.mp3-gone.mp3"))]


def test_a_sidecar_that_a_pending_or_failed_row_has_got_since_is_no_difference(archive):
    archive.put(sidecar("c.mp3"), b"{}")

    assert archive.differences() == []


def test_files_of_ours_are_no_audio(archive):
    archive.put("_nightscribe/unplaced/x.mp3", b"")
    archive.put("_nightscribe/unplaced/x.mp3.transcript.json", b"")

    assert archive.differences() == []


def test_differences_come_in_the_order_of_keys():
    archive = FinishedArchive()
    for number in range(40):
        archive.transcribed(f"{number:03}.mp3")
    archive.finish(part_rows=7)
    for number in range(0, 40, 3):
        archive.storage.delete("podcasts", sidecar(f"{number:03}.mp3"))
    for number in range(1, 40, 3):
        archive.put(sidecar(f"{number:03}.mp3"), b"no sidecar")
    archive.audio("017b.mp3")

    named = [key for _, key in archive.differences(deep=True)]

    assert len(set(named)) == 14 + 13 + 1
    assert named == sorted(named)


def test_a_difference_is_told_before_the_listing_has_ended():
    """What waits does not grow with the archive."""
    archive = FinishedArchive()
    archive.finish()
    read = 0

    def endless():
        nonlocal read
        for number in range(1_000_000):
            read += 1
            yield Listed(f"{number:07}.mp3", "e", 1, "2026-11-22T02:00:00+00:00")

    events = verify(archive.storage, BESIDE, BESIDE, Listings(endless(), finished.IS_AUDIO), Sums)
    told = [next(events).key for _ in range(300)]
    events.close()

    assert told == [f"{number:07}.mp3" for number in range(300)]
    assert read < 310


def test_the_tally_comes_now_and_then_for_a_display():
    archive = FinishedArchive()
    archive.finish()
    listed = [Listed(f"{number:04}.mp3", "e", 1, "2026-11-22T02:00:00+00:00") for number in range(2500)]

    events = list(verify(archive.storage, BESIDE, BESIDE, Listings(listed, finished.IS_AUDIO), Sums))

    assert [number for number, event in enumerate(events) if isinstance(event, Tally)] == [1000, 2001, 2502]
    assert events[-1].by_kind == {"object_without_row": 2500}


def test_a_store_that_lists_in_another_order_is_refused(archive):
    class Reversed(MemoryStorage):
        def page(self, *place, **begin):
            page = super().page(*place, **begin)
            page._rows.reverse()
            return page

    storage = Reversed()
    for key in ("a.mp3", "b.mp3"):
        storage.put(BESIDE.bucket, key, b"x")
    listed = listing(storage, BESIDE, builders.settings().s3)

    with pytest.raises(ConfigurationError) as caught:
        list(verify(archive.storage, BESIDE, BESIDE, Listings(listed, finished.IS_AUDIO), Sums))

    assert caught.value.reason == "listing_unordered"
