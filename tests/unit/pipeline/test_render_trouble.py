"""The render stage when something is wrong: with a sidecar, with S3, or with the order in which things happen."""

from __future__ import annotations

import threading

import pytest
from finished import sidecar as sidecar_key
from rendering import EPISODES, SIDECAR, cases_of, edit, events, run, transcribed_archive

from pipeline.cancellation import CancellationToken
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.models import Format
from pipeline.render import Mode, Tally
from pipeline.render import rendering as stage
from pipeline.storage.patient import PatientStorage


@pytest.fixture
def archive():
    return transcribed_archive()


def text(archive, key):
    return archive.body(key).decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"text": "mine"}',
        b"\xff\xfe",
        b"[" * 10_000,
    ],
)
def test_a_file_that_is_no_sidecar_is_named_and_harms_nobody(archive, body):
    archive.put(SIDECAR, body)

    assert run(archive) == ((3, 8, 0), [("sidecar_unreadable", SIDECAR)])


def test_times_that_are_no_numbers_are_named(archive):
    edit(archive, segments=[{"start": 0, "end": float("nan"), "text": "x"}])

    assert run(archive, Format.VTT, Format.TXT) == ((3, 4, 0), [("sidecar_unreadable", SIDECAR)])


def test_a_sidecar_that_s3_does_not_hand_out_is_named(archive, monkeypatch):
    read = archive.storage.read

    def refusing(bucket, key):
        if key == SIDECAR:
            raise ConfigurationError("S3 refused GetObject: InvalidObjectState.")
        return read(bucket, key)

    monkeypatch.setattr(archive.storage, "read", refusing)

    assert run(archive, Format.TXT) == ((3, 2, 0), [("sidecar_unreadable", SIDECAR)])


def test_a_huge_file_is_not_read(archive, monkeypatch):
    monkeypatch.setattr(stage, "_LARGEST_BYTES", len(archive.body(SIDECAR)) - 1)
    edit(archive, sidecar_key("a/2.mp3"), text="", segments=[], raw=None, story=[])

    _, troubles = run(archive, Format.TXT)

    assert ("sidecar_unreadable", SIDECAR) in troubles
    assert ("sidecar_unreadable", sidecar_key("a/2.mp3")) not in troubles


def test_large_ones_are_read_one_at_a_time(archive, monkeypatch):
    monkeypatch.setattr(stage, "_LARGE_BYTES", 0)
    reading, most = threading.Semaphore(1), []
    read = archive.storage.read

    def watched(bucket, key):
        most.append(reading.acquire(blocking=False))
        try:
            return read(bucket, key)
        finally:
            reading.release()

    monkeypatch.setattr(archive.storage, "read", watched)

    assert run(archive) == ((3, 12, 0), [])
    assert most == [True] * 3


def test_a_sidecar_that_was_deleted_after_it_was_listed_is_named(archive, monkeypatch):
    monkeypatch.setattr(archive.storage, "read", lambda *_: None)

    assert run(archive, Format.TXT)[1] == [("sidecar_unreadable", sidecar_key(key)) for key in EPISODES]


def test_a_file_that_comes_after_the_listing_is_not_written_over(archive):
    seen = list(cases_of(archive))
    archive.put("a/1.mp3.vtt", b"mine")
    run(archive, Format.VTT, is_wanted=lambda key: key == "a/2.mp3")

    *told, tally = events(archive, seen, Format.VTT)

    assert [trouble.key for trouble in told] == ["a/1.mp3.vtt"]
    assert (tally.written, tally.unchanged) == (1, 1)
    assert archive.body("a/1.mp3.vtt") == b"mine"


def test_a_transcript_that_was_written_and_rendered_after_the_listing_is_not_rendered_again(archive):
    run(archive, Format.TXT)
    seen = list(cases_of(archive))
    edit(archive, text="newer")
    run(archive, Format.TXT)
    writes = archive.storage.calls["write"]

    tally = list(events(archive, seen, Format.TXT))[-1]

    assert (tally.written, tally.unchanged) == (0, 3)
    assert archive.storage.calls["write"] == writes


def test_a_newer_transcript_wins_over_an_older_one(archive):
    """While a case is at work, a worker writes sidecar and captions anew: the look comes first, so it is noticed."""
    run(archive, Format.TXT)
    edit(archive, text="older")
    read = archive.storage.read

    def overtaken(bucket, key):
        stored = read(bucket, key)
        if key == SIDECAR:
            archive.storage.read = read
            edit(archive, segments=[{"start": 0, "end": 1, "text": "newest"}])
            run(archive, Format.TXT)
        return stored

    archive.storage.read = overtaken
    counts, troubles = run(archive, Format.TXT)

    assert (counts, troubles) == ((3, 0, 3), [])
    assert text(archive, "a/1.mp3.txt") == "newest\n"


def test_when_s3_is_away_for_good_it_ends_and_what_waits_in_the_background_is_woken(archive):
    cancel = CancellationToken()

    def away(*_, **__):
        raise ServiceUnavailableError("S3 is away")

    archive.storage.write = away

    with pytest.raises(ServiceUnavailableError):
        list(events(archive, cases_of(archive), Format.VTT, cancel=cancel))
    assert cancel.is_cancelled


def test_who_is_interrupted_does_not_wait_for_s3_to_come_back(archive):
    """As after Ctrl-C: a thread that waits for S3 with all patience is woken."""
    cancel = CancellationToken()
    is_waiting = threading.Event()
    head = archive.storage.head

    def away(bucket, key):
        if key == "b 3.wav.vtt":
            is_waiting.set()
            raise ServiceUnavailableError("S3 is away", delay_s=1000)
        is_waiting.wait()
        return head(bucket, key)

    for key in EPISODES:
        archive.put(f"{key}.vtt", b"mine")
    archive.storage.head = away
    patient = PatientStorage(archive.storage, for_s=1000, cancel=cancel, clock=lambda: 0)
    told = events(archive, cases_of(archive), Format.VTT, cancel=cancel, storage=patient)

    assert next(told).key == "a/1.mp3.vtt"
    told.close()


def test_no_more_cases_are_taken_than_are_at_work(archive):
    """The listing is read as fast as the work goes, however long it is (I6)."""
    taken = []

    def endless():
        case = next(cases_of(archive))
        while True:
            taken.append(1)
            yield case

    told = events(archive, endless(), Format.VTT, mode=Mode.MISSING)
    tally = next(told)
    told.close()

    assert isinstance(tally, Tally)
    assert len(taken) <= tally.transcripts + 4 * stage._AT_ONCE + 1
