"""`nightscribe plan`: what it prints for people and for programs, without a request that writes."""

from __future__ import annotations

import json

import builders
import pytest
from click.testing import CliRunner
from finished import FinishedArchive

from pipeline.cli.plan import plan
from pipeline.cli.session import Session
from pipeline.settings import load_settings

PRICED = {"NIGHTSCRIBE_PROFILE": "local"}
SAME_MODEL = ("--model", "fal-ai/whisper")


@pytest.fixture
def archive():
    """Thirty transcribed episodes of a megabyte and ten minutes each, and one that failed."""
    made = FinishedArchive()
    for number in range(30):
        key = f"shows/{number:02}.mp3"
        made.transcribed(key, duration_s=600.0)
        body = key.encode().ljust(1_000_000)
        row = made.rows[key]
        made.rows[key] = row.model_copy(
            update=made.audio(key, body).model_dump() | {"duration_s": 600.0, "processing_s": 15.0}
        )
    made.failed("shows/bad.mp3", recipe=builders.recipe().hash)
    made.finish()
    return made


def session_of(archive, **environment):
    session = Session(PRICED | environment)
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return session


def invoke(archive, *words, **environment):
    return CliRunner().invoke(plan, ["s3://podcasts/", *words], obj=session_of(archive, **environment))


def lines(archive, *words, **environment):
    outcome = invoke(archive, *words, **environment)
    assert outcome.exit_code == 0, outcome.output + repr(outcome.exception)
    return outcome.stdout.splitlines()


def as_json(archive, *words, **environment):
    return json.loads("\n".join(lines(archive, *words, "--json", **environment)))


def add_new(archive, count=2):
    for number in range(count):
        archive.audio(f"shows/new{number}.mp3", b"new".ljust(1_000_000))


def test_a_plan_for_people_is_short_and_complete(archive):
    add_new(archive)
    archive.audio("shows/00.mp3", b"cut anew".ljust(500_000))

    said = lines(archive)

    measured = "measured on 30 recordings in run run1"
    assert said == [
        "Plan for s3://podcasts/ with fal-ai/whisper {'task': 'transcribe'}",
        "  transcribe   1  changed: the audio is another than when it was last looked at",
        "  transcribe   1  failed_with_other_recipe: failed in an earlier run, with another model or arguments",
        "  transcribe   2  new: not transcribed yet",
        "  skip        29  other_recipe: transcribed already, with another model or arguments (--upgrade redoes them)",
        f"Audio: about 25 min (24 to 25) in 2.5 MB: mp3 {measured}",
        "Cost:  about 0.0292 USD (0.0282 to 0.0295): configured price of 0.07 USD per audio hour",
        "S3:    1 LIST, 22 GET, 12 HEAD, 22 PUT, 1 POST, 2 DELETE: less than 0.01 USD",
        "       what fal downloads: less than 0.01 USD",
        f"Time:  about 15 s (15 to 19) with 3 requests at once, each 40 times faster than listening ({measured})",
    ]


def test_a_plan_for_programs_has_the_same_with_units_in_the_names(archive):
    add_new(archive)

    told = as_json(archive, *SAME_MODEL)

    assert (told["jobs"], told["jobs_as"]) == (3, {"failed_with_other_recipe": 1, "new": 2})
    assert told["skips"] == {"other_recipe": 30}
    assert told["size_bytes"] == told["s3"]["fal_download_bytes"] == 2_000_000 + len("shows/bad.mp3")
    assert told["estimated_audio_s"] == pytest.approx(1200, abs=1)
    low, high = told["estimated_audio_s_range"]
    assert low <= told["estimated_audio_s"] <= high <= 1.1 * low
    assert told["estimated_cost_usd"] == pytest.approx(told["estimated_audio_s"] / 3600 * 0.07, rel=1e-3)
    low, high = told["estimated_cost_usd_range"]
    assert low <= told["estimated_cost_usd"] <= high
    assert "configured price" in told["cost_basis"]
    assert told["audio_basis"] == "mp3 measured on 30 recordings in run run1"
    assert told["paid_again"]["jobs"] == 0
    assert told["s3"]["requests_usd"] == pytest.approx(18 * 0.005 / 1000 + 0.0004 * 23 / 1000, rel=0.2)
    assert told["s3"]["fal_download_usd"] == pytest.approx(0.09 * 0.002, rel=1e-3)
    assert told["time"]["speed"] == 40.0
    assert told["time"]["estimated_s_range"][0] <= told["time"]["estimated_s"] <= told["time"]["estimated_s_range"][1]


def test_a_list_names_every_object_also_those_that_are_decided_on_together(archive):
    recipe = session_of(archive).recipe({"model": None})
    for key, row in archive.rows.items():
        archive.rows[key] = row.model_copy(update={"recipe": recipe.hash})
    made = archive.finish()
    add_new(archive)

    said = lines(archive, "--list")

    assert made.parts[0].blocks[0].fingerprint is not None
    assert [line for line in said if line.startswith("skip ")] == [
        *(f"skip        'shows/{number:02}.mp3'  (current)" for number in range(30)),
        "skip        'shows/bad.mp3'  (failed_before)",
    ]
    assert as_json(archive)["skips"] == {"current": 30, "failed_before": 1}


def test_force_tells_exactly_what_it_would_pay_for_again(archive):
    add_new(archive)

    told = as_json(archive, "--force")
    said = lines(archive, "--force")

    assert told["jobs_as"] == {"failed_with_other_recipe": 1, "new": 2, "recipe_changed": 30}
    assert told["paid_again"]["jobs"] == 30
    assert told["paid_again"]["estimated_audio_s_range"] == [18_000.0, 18_000.0]
    assert told["paid_again"]["estimated_cost_usd"] == pytest.approx(5 * 0.07)
    assert told["estimated_cost_usd"] > told["paid_again"]["estimated_cost_usd"]
    assert "       of it paid for before: 30 objects, about 5.0 h for about 0.3500 USD" in said


def test_upgrade_pays_again_too_and_a_plain_plan_does_not(archive):
    assert as_json(archive, "--upgrade")["paid_again"]["jobs"] == 30
    assert as_json(archive)["paid_again"]["jobs"] == 0


def test_what_was_paid_for_is_told_also_without_a_price(archive):
    said = lines(archive, "--force", "--model", "some/model")

    assert any(line.startswith("Cost:  unknown, no price is known for some/model") for line in said)
    assert "       of it paid for before: 30 objects, about 5.0 h" in said


def test_formats_cost_two_requests_each_per_job(archive):
    add_new(archive, 1)

    plain, with_formats = as_json(archive)["s3"]["requests"], as_json(archive, "--formats", "vtt,srt")["s3"]["requests"]

    assert with_formats == plain | {"HEAD": plain["HEAD"] + 2 * 2, "PUT": plain["PUT"] + 2 * 2}


def test_prices_of_the_store_are_settings(archive):
    add_new(archive)
    free = {
        "NIGHTSCRIBE_S3_PRICES_USD_PER_1000_WRITES": "0",
        "NIGHTSCRIBE_S3_PRICES_USD_PER_1000_READS": "0",
        "NIGHTSCRIBE_S3_PRICES_USD_PER_GB_OUT": "0",
    }

    said = lines(archive, **free)

    assert [line for line in said if "fal downloads" in line] == []
    assert next(line for line in said if line.startswith("S3:")).endswith(": nothing")


def test_nothing_to_do_costs_nothing_and_takes_no_time(archive):
    said = lines(archive, "--retry-failed", "--exclude", "shows/bad.mp3")

    assert said[1] == "  transcribe   0  nothing"
    assert said[-2] == "Cost:  nothing to do, nothing to pay"
    assert said[-1].startswith("S3:    1 LIST")


def test_the_list_names_every_decision_and_how_the_object_was_found(archive):
    archive.audio("evil\x1b[31m.mp3")

    said = lines(archive, "--list")

    assert said[0] == r"transcribe  'evil\x1b[31m.mp3'  (new)"
    assert "skip        'shows/00.mp3'  (other_recipe)" in said
    assert "transcribe  'shows/bad.mp3'  (failed_with_other_recipe)" in said


@pytest.mark.parametrize("other", ["--upgrade", "--force"])
def test_a_plan_is_of_one_command(archive, other):
    outcome = invoke(archive, "--retry-failed", other)

    assert outcome.exit_code == 2
    assert "give one of them" in outcome.stderr


@pytest.mark.parametrize("words", [(), ("--force",), ("--formats", "vtt"), ("--retry-failed",), ("--list",)])
def test_nothing_is_written(archive, words):
    add_new(archive)
    before = {listed.key for listed in archive.storage.list("podcasts", "")}
    writes = {name: archive.storage.calls.get(name, 0) for name in ("write", "delete", "delete_many")}

    lines(archive, *words)

    assert {name: archive.storage.calls.get(name, 0) for name in writes} == writes
    assert {listed.key for listed in archive.storage.list("podcasts", "")} == before


def test_a_long_plan_says_how_far_it_is(archive):
    add_new(archive, 1000)

    outcome = invoke(archive, NIGHTSCRIBE_RUN_PROGRESS_EVERY_S="0.000001")

    assert outcome.stderr.splitlines() == ["1,000 objects planned"]
