"""Where doubts are told: sidecar, stamp and row; and that what older versions have written is still read."""

from __future__ import annotations

import json

import builders
import pytest
from finished import FinishedArchive
from stages import House

from pipeline import sidecars
from pipeline.cli.on_suspect import second_of
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.manifest import Draft
from pipeline.manifest.sums import Sums
from pipeline.models import ManifestRow, RecipeStamp, Sidecar, SidecarStamp, Totals, remembered_row
from pipeline.speech.memory import Script

NEW_IN_ROWS = {"suspect", "stands_for", "second_tried"}
LIMIT_OF_METADATA_BYTES = 2048


def sidecar_of(text):
    house = House()
    house.probe.duration_s = 3.0
    house.script(Script(answer=builders.answer(text)))
    house.work()
    head = house.storage.head("podcasts", "show/ep1.mp3.transcript.json")
    return house.read("show/ep1.mp3.transcript.json"), head.metadata


def test_a_transcript_that_reads_well_has_the_stamp_that_it_always_had():
    body, metadata = sidecar_of("Good morning.")

    assert not json.loads(metadata["nightscribe"]).keys() & NEW_IN_ROWS
    assert Sidecar.model_validate_json(body).quality.findings == ()


def test_a_sidecar_and_a_stamp_and_a_row_without_the_new_fields_are_read():
    body, metadata = sidecar_of("Good morning.")
    older = json.loads(body)
    del older["stands_for"], older["quality"]["findings"]
    row = builders.row().model_dump_json(exclude=NEW_IN_ROWS)

    assert Sidecar.model_validate(older).quality.findings == ()
    assert sidecars.from_metadata(metadata).suspect == ()
    assert ManifestRow.model_validate_json(row).suspect == ()
    assert (remembered_row(row.encode()).suspect, remembered_row(row.encode()).stands_for) == ((), None)
    assert Totals.model_validate({"objects": 1}).suspect == 0


def test_every_doubt_at_once_fits_into_the_metadata_of_s3():
    names = (
        *("loop", "boilerplate", "other_language", "gibberish", "few_words", "many_words", "silent", "gap"),
        *("truncated", "speakers_missing", "words_missing", "times_missing", "partial", "times_repaired"),
    )
    stamp = SidecarStamp(
        job_id="0" * 40,
        object_etag=f"{'0' * 32}-10000",
        recipe="0" * 16,
        run_id="20261122T021500Z-1a2b3c",
        endpoint_id="nvidia/nemotron-asr-multilingual/asr",
        request_id="0" * 36,
        attempts=3,
        duration_s=123456.789,
        words=100_000,
        language="zh-Hant-TW",
        speech=True,
        cost_usd=0.123456789,
        processing_s=1234.567,
        written_at=builders.NOW,
        suspect=names,
        stands_for="0" * 16,
    )

    ((name, value),) = sidecars.to_metadata(stamp).items()

    assert len(name) + len(value) < LIMIT_OF_METADATA_BYTES / 2
    assert sidecars.from_metadata({name: value}) == stamp


def test_totals_count_suspect_transcripts_and_a_draft_finds_them():
    sums = Sums()
    rows = [builders.row(f"{number}.mp3", suspect=("gap",) if number % 3 == 0 else ()) for number in range(7)]
    with Draft() as draft:
        for row in rows:
            sums.add(builders.remembered(row))
            draft.put(row)
        draft.put(rows[3].model_copy(update={"suspect": ()}))

        assert [row.key for row in draft.suspect()] == ["0.mp3", "6.mp3"]
    assert sums.totals().suspect == 3


def test_an_archive_of_suspects_has_them_in_its_manifest_and_verifies():
    archive = FinishedArchive()
    archive.transcribed("a.mp3", text="and so on, " * 40)

    manifest = archive.finish()

    assert manifest.totals.suspect == 1
    assert "loop" in archive.rows["a.mp3"].suspect
    assert isinstance(manifest.recipe, RecipeStamp)


@pytest.mark.parametrize("where", ["option", "setting"])
def test_the_second_recipe_has_the_wishes_of_the_first_and_none_of_its_own_arguments(where):
    what = "retry:fal-ai/wizper"
    session = Session({"NIGHTSCRIBE_LINT_ON_SUSPECT": what} if where == "setting" else {})
    options = {"language": "de", "extra": {"batch_size": 16}, "on_suspect": what if where == "option" else None}
    first = session.recipe(options)

    second = second_of(session, options, first)

    assert second.endpoint_id == "fal-ai/wizper"
    assert "batch_size" not in second.arguments
    assert second.arguments["language"] == first.arguments["language"] == "de"


def test_the_option_counts_before_the_setting():
    session = Session({"NIGHTSCRIBE_LINT_ON_SUSPECT": "retry:fal-ai/wizper"})

    assert second_of(session, {"on_suspect": "report"}, session.recipe({})) is None


def test_a_setting_that_means_nothing_is_refused():
    with pytest.raises(ConfigurationError, match=r"lint\.on_suspect"):
        builders.settings(NIGHTSCRIBE_LINT_ON_SUSPECT="redo")
