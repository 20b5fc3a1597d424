"""The render stage: what is written, what is left alone, and what it asks of S3; storage in memory."""

from __future__ import annotations

import json
from collections import Counter

import builders
import pytest
from finished import FinishedArchive
from rendering import SIDECAR, edit, run, transcribed_archive

from pipeline import formats, keys, sidecars
from pipeline.models import Format, Place
from pipeline.render import Mode
from pipeline.transcribe import results


@pytest.fixture
def archive():
    return transcribed_archive()


def text(archive, key):
    return archive.body(key).decode()


def requests(archive, act):
    """How many of each request an act costs, those of the listing aside."""
    before = Counter(archive.storage.calls)
    act()
    return Counter(archive.storage.calls) - before - Counter(list=1)


def test_all_formats_of_all_transcripts_are_written_once(archive):
    assert run(archive) == ((3, 12, 0), [])
    assert run(archive) == ((3, 0, 12), [])

    assert "This is a/1.mp3." in text(archive, "a/1.mp3.vtt")
    assert "This is a/2.mp3." in text(archive, "a/2.mp3.srt")
    assert text(archive, "b 3.wav.txt") == "This is b 3.wav.\n"
    assert json.loads(text(archive, "a/1.mp3.podcast.json"))["segments"][0]["body"] == "This is a/1.mp3."


def test_what_is_missing_costs_no_look_and_what_is_current_one(archive):
    assert requests(archive, lambda: run(archive)) == {"read": 3, "write": 12}
    assert requests(archive, lambda: run(archive)) == {"head": 12}
    assert requests(archive, lambda: run(archive, mode=Mode.MISSING)) == {}


def test_a_missing_one_is_written_and_the_others_are_not(archive):
    run(archive)
    archive.storage.delete("podcasts", "a/2.mp3.txt")

    assert requests(archive, lambda: run(archive)) == {"head": 11, "read": 1, "write": 1}
    assert text(archive, "a/2.mp3.txt") == "This is a/2.mp3.\n"


def test_what_the_transcription_has_written_is_current(archive):
    written = sidecars.Sidecar.model_validate_json(archive.body(SIDECAR))
    job = builders.job(written.object, formats=tuple(Format))
    results.write(archive.storage, job, written, results.look(archive.storage, job))

    assert run(archive) == ((3, 8, 4), [])


def test_a_new_transcript_is_rendered_anew(archive):
    run(archive)
    edit(archive, text="Corrected.", segments=[{"start": 0, "end": 2, "text": "Corrected."}])

    assert requests(archive, lambda: run(archive, Format.VTT)) == {"head": 3, "read": 2, "write": 1}
    assert "Corrected." in text(archive, "a/1.mp3.vtt")


def test_a_transcript_that_was_corrected_by_hand_is_rendered_and_stays_what_it_is(archive):
    edit(archive, segments=[{"start": 0, "end": 2, "text": "By hand.", "speaker": "Me"}])
    edited = archive.body(SIDECAR)
    assert not sidecars.is_sealed(edited)

    assert run(archive, Format.SRT) == ((3, 3, 0), [])
    assert "Me: By hand." in text(archive, "a/1.mp3.srt")
    assert archive.body(SIDECAR) == edited


def test_another_version_of_a_format_is_rendered_anew(archive, monkeypatch):
    run(archive)
    renderer = formats.RENDERERS[Format.TXT]
    newer = formats.Renderer(lambda *_: "in the new way", renderer.content_type, renderer.version + 1)
    monkeypatch.setattr(formats, "RENDERERS", {**formats.RENDERERS, Format.TXT: newer})

    assert run(archive) == ((3, 3, 9), [])
    assert text(archive, "a/1.mp3.txt") == "in the new way"


def test_a_file_of_an_earlier_release_is_ours(archive):
    stamp = sidecars.to_metadata(sidecars.stamp_of(sidecars.Sidecar.model_validate_json(archive.body(SIDECAR))))
    archive.storage.put("podcasts", "a/1.mp3.vtt", b"WEBVTT", stamp)

    assert run(archive, Format.VTT) == ((3, 3, 0), [])
    assert "This is" in text(archive, "a/1.mp3.vtt")


def test_force_makes_current_files_again(archive):
    run(archive)

    assert run(archive, mode=Mode.ALL) == ((3, 12, 0), [])


def test_a_strangers_file_is_named_and_left_alone(archive):
    archive.put("a/1.mp3.vtt", b"mine")
    archive.put("a/2.mp3.podcast.json", b"{}")

    for mode in (Mode.CHANGED, Mode.ALL):
        _, troubles = run(archive, mode=mode)
        assert troubles == [("foreign_file", "a/1.mp3.vtt"), ("foreign_file", "a/2.mp3.podcast.json")]
    assert (archive.body("a/1.mp3.vtt"), archive.body("a/2.mp3.podcast.json")) == (b"mine", b"{}")
    assert run(archive, mode=Mode.MISSING) == ((3, 0, 12), [])


def test_captions_that_somebody_has_corrected_are_not_written_over(archive):
    """Also where the tool that wrote them has kept the metadata."""
    run(archive, Format.VTT)
    metadata = archive.storage.head("podcasts", "a/1.mp3.vtt").metadata
    archive.storage.put("podcasts", "a/1.mp3.vtt", b"WEBVTT\n\ncorrected", metadata)
    edit(archive, text="Another transcript.")

    assert run(archive, Format.VTT) == ((3, 0, 2), [("foreign_file", "a/1.mp3.vtt")])
    assert archive.body("a/1.mp3.vtt") == b"WEBVTT\n\ncorrected"


def test_only_what_is_wanted_is_rendered(archive):
    assert run(archive, is_wanted=lambda key: key == "a/2.mp3") == ((1, 4, 0), [])
    archive.put("notes.transcript.json", b"{}")

    assert run(archive, Format.VTT) == ((3, 2, 1), [])


def test_results_in_another_place_are_rendered_there():
    archive = FinishedArchive(output=Place(bucket="results", prefix="out/"))
    archive.transcribed("show/1.mp3")

    assert run(archive) == ((1, 4, 0), [])
    assert "out/show/1.mp3.podcast.json" in [listed.key for listed in archive.storage.list("results", "")]


def test_unplaced_transcripts_are_not_rendered(archive):
    archive.put(f"_nightscribe/unplaced/x.mp3{keys.SIDECAR_SUFFIX}", archive.body(SIDECAR))

    assert run(archive)[0] == (3, 12, 0)
