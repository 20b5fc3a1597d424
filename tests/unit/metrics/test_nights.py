"""What is told of last manifests: which night was complete, and nothing when S3 is away."""

from __future__ import annotations

import threading
from datetime import timedelta

import builders
import pytest

from pipeline import keys
from pipeline.errors import ServiceUnavailableError
from pipeline.manifest.earlier import read_earlier
from pipeline.metrics.nights import Night, Nights, Shelf, complete_at
from pipeline.models import Manifest, Place, RecipeStamp, Totals
from pipeline.storage.memory import MemoryStorage

ARCHIVE, OUTPUT = Place(bucket="podcasts", prefix="shows/"), Place(bucket="podcasts")
OTHER = Place(bucket="radio")


def night_of(number: int, *, complete: bool = True, looked_at=None, **this_run: int) -> Night:
    """The night of that number, an hour long, with so many objects of this run by state."""
    started = builders.NOW + timedelta(days=number)
    manifest = Manifest(
        run_id=f"2026{number:04}",
        archive=ARCHIVE,
        output=OUTPUT,
        recipe=RecipeStamp.of(builders.recipe()),
        started_at=started,
        finished_at=started + timedelta(hours=1),
        complete=complete,
        totals=Totals(objects=9, by_state={"done": 8, "uncertain": 1}, by_reason={"lost": 1}, audio_s=3600.0),
        this_run=Totals(by_state=this_run, cost_usd=0.5),
        parts=(),
        software="test",
    )
    return Night(manifest, looked_at)


class Store:
    """Where last nights are found; away when told so."""

    def __init__(self) -> None:
        self.night: Night | None = None
        self.past: list[Manifest] = []
        self.away: set[Place] = set()
        self.asked_for_earlier = 0

    def last(self, archive, _output):
        if archive in self.away:
            raise ServiceUnavailableError("S3 is away.")
        return self.night if archive == ARCHIVE else None

    def earlier(self, _archive, _output, _run_id):
        self.asked_for_earlier += 1
        return self.past


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def nights(store):
    return Nights(Shelf(store.last, store.earlier), lambda: {ARCHIVE: OUTPUT}, every_s=60.0)


def told(nights, name):
    """The values of a family, by labels."""
    return {sample.labels: sample.value for sample in nights.samples() if sample.name == f"nightscribe_{name}"}


def completed(nights):
    return told(nights, "complete_night_timestamp_seconds").get((ARCHIVE.uri,))


def test_the_last_night_is_told_with_its_archive(nights, store):
    store.night = night_of(1, done=5)
    nights.refresh()

    assert told(nights, "up") == {("s3",): 1}
    assert told(nights, "manifest_objects")[ARCHIVE.uri, "uncertain"] == 1
    assert told(nights, "manifest_objects")[ARCHIVE.uri, "pending"] == 0
    assert told(nights, "manifest_problems") == {(ARCHIVE.uri, "lost"): 1}
    assert told(nights, "night_objects")[ARCHIVE.uri, "done"] == 5
    assert told(nights, "night_duration_seconds") == {(ARCHIVE.uri,): 3600}
    assert told(nights, "night_cost_usd") == {(ARCHIVE.uri,): 0.5}
    assert completed(nights) == store.night.manifest.finished_at.timestamp()


def test_an_archive_without_a_manifest_has_no_numbers_and_is_no_failure(nights):
    nights.refresh()

    assert [sample.name for sample in nights.samples()] == ["nightscribe_up"]
    assert told(nights, "up") == {("s3",): 1}


LOOKED = builders.NOW + timedelta(days=5)


@pytest.mark.parametrize(
    ("night", "is_complete_at"),
    [
        (night_of(1, done=3), builders.NOW + timedelta(days=1, hours=1)),
        (night_of(1), builders.NOW + timedelta(days=1, hours=1)),
        (night_of(1, done=3, failed=1, uncertain=1), builders.NOW + timedelta(days=1, hours=1)),
        (night_of(1, complete=False, done=3), None),
        (night_of(1, looked_at=LOOKED, done=3), LOOKED),
        (night_of(1, looked_at=LOOKED, complete=False), None),
    ],
)
def test_a_night_is_complete_with_nothing_pending_whatever_failed_in_it(night, is_complete_at):
    assert complete_at(night) == is_complete_at


def test_a_bad_night_leaves_the_last_good_one_standing(nights, store):
    store.night = night_of(1, done=3)
    nights.refresh()
    store.night = night_of(2, complete=False)
    nights.refresh()

    assert completed(nights) == night_of(1).manifest.finished_at.timestamp()
    assert told(nights, "night_complete") == {(ARCHIVE.uri,): 0}
    assert store.asked_for_earlier == 0


def test_an_exporter_that_starts_after_a_bad_night_looks_for_the_last_good_one_once(nights, store):
    store.night = night_of(4, complete=False)
    store.past = [night_of(3, complete=False).manifest, night_of(2, done=1).manifest, night_of(1).manifest]

    for _ in range(3):
        nights.refresh()

    assert completed(nights) == night_of(2).manifest.finished_at.timestamp()
    assert store.asked_for_earlier == 1


def test_when_no_night_was_good_each_new_manifest_is_looked_behind_once(nights, store):
    for number in (1, 1, 2, 2):
        store.night = night_of(number, complete=False)
        nights.refresh()

    assert completed(nights) is None
    assert store.asked_for_earlier == 2


def test_an_archive_that_cannot_be_read_has_no_numbers_and_others_keep_theirs(store):
    nights = Nights(Shelf(store.last, store.earlier), lambda: {ARCHIVE: OUTPUT, OTHER: OTHER}, every_s=60.0)
    store.night = night_of(1, done=3)
    nights.refresh()
    store.away = {OTHER}
    nights.refresh()

    assert told(nights, "up") == {("s3",): 0}
    assert completed(nights)

    store.away = {ARCHIVE}
    nights.refresh()

    assert [sample.name for sample in nights.samples()] == ["nightscribe_up"]

    store.away = set()
    nights.refresh()

    assert (told(nights, "up"), bool(completed(nights))) == ({("s3",): 1}, True)


def test_when_redis_is_away_the_archives_are_those_that_it_named_before(store):
    is_away = False

    def archives():
        if is_away:
            raise ServiceUnavailableError("Redis is away.")
        return {ARCHIVE: OUTPUT}

    nights = Nights(Shelf(store.last, store.earlier), archives, every_s=60.0)
    store.night = night_of(1, done=3)
    nights.refresh()
    is_away = True
    nights.refresh()

    assert completed(nights)


def test_a_store_that_does_not_answer_takes_the_numbers_with_it(store):
    """Its thread hangs then; what was read two looks ago is not told as if it were of now."""
    clock = [0.0]
    nights = Nights(Shelf(store.last, store.earlier), lambda: {ARCHIVE: OUTPUT}, every_s=60.0, clock=lambda: clock[0])
    store.night = night_of(1, done=3)
    nights.refresh()
    clock[0] = 120.0
    assert completed(nights)

    clock[0] = 124.0

    assert [(sample.name, sample.value) for sample in nights.samples()] == [("nightscribe_up", 0)]


def test_the_thread_ends_when_it_is_told_to_and_a_fault_does_not_end_it(store):
    stopped, looks = threading.Event(), []

    def archives():
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("a fault of ours")
        if len(looks) == 3:
            stopped.set()
        return {}

    Nights(Shelf(store.last, store.earlier), archives, every_s=0.0).refresh_until(stopped)

    assert len(looks) == 3


def test_earlier_manifests_are_found_newest_first_without_the_later_ones_and_the_unreadable():
    storage = MemoryStorage()
    for number in range(1, 6):
        manifest = night_of(number).manifest
        folder = keys.run_folder(OUTPUT, ARCHIVE, manifest.run_id)
        storage.put(OUTPUT.bucket, f"{folder}part-00000.jsonl.gz", b"")
        body = b"{" if number == 3 else manifest.model_dump_json().encode()
        storage.put(OUTPUT.bucket, f"{folder}manifest.json", body)

    found = read_earlier(storage, OUTPUT, ARCHIVE, "20260005", at_most=3)

    assert [manifest.run_id for manifest in found] == ["20260004", "20260002"]


def test_the_manifest_of_an_archive_below_a_folder_called_runs_is_not_taken_for_an_earlier_one():
    storage, below = MemoryStorage(), Place(bucket=ARCHIVE.bucket, prefix=f"{ARCHIVE.prefix}runs/2025/")
    for archive in (ARCHIVE, below):
        made = night_of(1).manifest.model_copy(update={"archive": archive})
        folder = keys.run_folder(OUTPUT, archive, made.run_id)
        storage.put(OUTPUT.bucket, f"{folder}manifest.json", made.model_dump_json().encode())

    found = read_earlier(storage, OUTPUT, ARCHIVE, "20260005", at_most=9)

    assert [manifest.archive for manifest in found] == [ARCHIVE]


def test_only_the_first_scrapes_wait_for_a_store_that_hangs():
    now_s, waited_s = [0.0], []

    class First:
        def wait(self, seconds):
            waited_s.append(seconds)
            now_s[0] += seconds

    nights = Nights(Shelf(Store().last, Store().earlier), dict, 60.0, clock=lambda: now_s[0])
    nights._first = First()

    assert [nights.samples() for _ in range(3)] == [[("nightscribe_up", ("s3",), 0.0)]] * 3
    assert waited_s == [3.0, 0.0, 0.0]
