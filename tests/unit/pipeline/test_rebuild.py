"""`nightscribe manifest rebuild`: a manifest from the sidecars, and what the old one knew beyond them."""

from __future__ import annotations

import json

import builders
import pytest
from click.testing import CliRunner
from finished import FinishedArchive
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import keys, manifest
from pipeline.cli.manifest import manifest as group
from pipeline.cli.plan import plan
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import PLANNED, Place, State
from pipeline.settings import load_settings

LATEST = "_nightscribe/latest.json"
PARTS = [f"_nightscribe/runs/run1/part-0000{number}.jsonl.gz" for number in (1, 2)]


@pytest.fixture
def archive():
    """Two parts: a and b transcribed, and a failed; c and d transcribed, and one uncertain."""
    made = FinishedArchive()
    for key in ("a.mp3", "b.mp3", "c.mp3", "d.mp3"):
        made.transcribed(key)
    made.failed("b2.mp3", recipe=builders.recipe().hash)
    made.failed("e.mp3", State.UNCERTAIN, "submit_reply_lost")
    made.finish(part_rows=3)
    return made


def invoke(command, archive, *words, **env):
    session = Session({"REDIS_URL": "redis://127.0.0.1:9/0"} | env)
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return CliRunner().invoke(command, words, obj=session)


def rebuild(archive, *words, **env):
    """Rebuilds, and returns the rows by key."""
    outcome = invoke(group, archive, "rebuild", archive.archive.uri, *words, **env)
    assert outcome.exit_code == 0, outcome.output + repr(outcome.exception)
    archive.said = outcome
    written = manifest.read_latest(archive.storage, archive.output, archive.archive)
    return {row.key: row for row in manifest.read_rows(archive.storage, written)}


def test_a_lost_pointer_costs_nothing_that_was_known(archive):
    archive.storage.delete("podcasts", LATEST)

    rows = rebuild(archive)

    assert rows == archive.rows
    assert archive.differences(deep=True) == []
    assert "Made anew: 6 objects, 4 done, 1 failed, 1 uncertain" in archive.said.stdout
    assert archive.said.stderr == ""


@pytest.mark.parametrize("lost", [[LATEST, *PARTS], [LATEST, "_nightscribe/runs/run1/manifest.json"]])
def test_with_the_whole_manifest_lost_what_has_no_sidecar_is_pending(archive, lost):
    for key in lost:
        archive.storage.delete("podcasts", key)

    rows = rebuild(archive)

    for key in ("b2.mp3", "e.mp3"):
        row = rows.pop(key)
        assert (row.state, row.reason, row.etag) == (State.PENDING, "not_transcribed", archive.rows[key].etag)
        assert row.message
    assert rows == {key: row for key, row in archive.rows.items() if row.state is State.DONE}
    assert archive.differences(deep=True) == []


def test_a_damaged_part_is_named_and_left_out_and_failures_of_the_others_are_kept(archive):
    archive.put(PARTS[0], archive.body(PARTS[0])[:-5])

    rows = rebuild(archive)

    assert f"part_checksum '{PARTS[0]}'" in archive.said.stderr
    assert rows["b2.mp3"].reason == "not_transcribed"
    assert rows["e.mp3"] == archive.rows["e.mp3"]
    assert archive.differences(deep=True) == []


def test_nothing_that_the_old_manifest_says_of_a_transcript_is_believed(archive):
    wrong = archive.rows["a.mp3"].model_copy(update={"words": 9, "sidecar_etag": archive.rows["b.mp3"].sidecar_etag})
    archive.finish(rows=(archive.rows | {"a.mp3": wrong}).values())

    assert rebuild(archive) == archive.rows


def test_what_has_changed_since_is_seen(archive):
    archive.storage.delete("podcasts", f"a.mp3{keys.SIDECAR_SUFFIX}")
    archive.put(f"b.mp3{keys.SIDECAR_SUFFIX}", b"a stranger's")
    archive.audio("c.mp3", b"another recording")
    archive.storage.delete("podcasts", "e.mp3")
    archive.audio("f.mp3")
    edited = archive.body(f"d.mp3{keys.SIDECAR_SUFFIX}").replace(b'"Hello night."', b'"Hello."')
    archive.put(f"d.mp3{keys.SIDECAR_SUFFIX}", edited)

    rows = rebuild(archive)

    assert {key: (row.state.value, row.reason) for key, row in rows.items()} == {
        "a.mp3": ("pending", "not_transcribed"),
        "b.mp3": ("failed", "foreign_sidecar"),
        "b2.mp3": ("failed", "not_audio"),
        "c.mp3": ("pending", "not_transcribed"),
        "d.mp3": ("failed", "foreign_sidecar"),
        "f.mp3": ("pending", "not_transcribed"),
    }
    assert archive.differences(deep=True) == []


def test_a_failure_of_an_older_version_is_no_failure_of_the_new_one(archive):
    archive.audio("b2.mp3", b"another recording")

    assert rebuild(archive)["b2.mp3"].reason == "not_transcribed"


def test_what_was_pending_is_pending_for_the_reason_that_holds_now():
    archive = FinishedArchive()
    archive.failed("a.mp3", State.PENDING, PLANNED)
    archive.failed("b.mp3", State.PENDING, "over_limit")
    archive.failed("c.mp3", State.SKIPPED, "excluded")
    archive.failed("d.mp3", State.PENDING, "duration_unknown")
    archive.finish()

    reasons = {key: (row.state.value, row.reason) for key, row in rebuild(archive).items()}

    assert reasons == dict.fromkeys(["a.mp3", "b.mp3", "c.mp3"], ("pending", "not_transcribed")) | {
        "d.mp3": ("pending", "duration_unknown")
    }


def test_the_next_plan_has_a_job_for_what_is_pending_and_for_nothing_else(archive):
    archive.storage.delete("podcasts", f"a.mp3{keys.SIDECAR_SUFFIX}")
    archive.audio("f.mp3")
    rebuild(archive)

    outcome = invoke(plan, archive, archive.archive.uri, "--list", "--model", "fal-ai/whisper")

    jobs = {line.split("'")[1] for line in outcome.stdout.splitlines() if line.startswith("transcribe ")}
    assert {"a.mp3", "f.mp3"} <= jobs <= {"a.mp3", "f.mp3", "e.mp3", "b2.mp3"}


def test_each_sidecar_costs_one_head(archive):
    before = dict(archive.storage.calls)

    rebuild(archive)

    assert archive.storage.calls["head"] - before.get("head", 0) == 4 + 1  # and that of latest.json


def test_a_run_that_finishes_meanwhile_loses_no_row(archive):
    """Its manifest is the base of the new one."""
    real = archive.storage.page
    other = {**archive.rows}

    def page(*words, **options):
        archive.storage.page = real
        listed = real(*words, **options)
        archive.transcribed("z.mp3", run_id="run2")
        other["z.mp3"] = archive.rows["z.mp3"]
        archive.finish(run_id="run2")
        return listed

    archive.storage.page = page

    assert rebuild(archive) == other
    assert archive.differences(deep=True) == []


kinds = st.sampled_from(["done", "failed"])
damages = st.sampled_from(["none", "sidecar gone", "sidecar edited", "sidecar foreign", "audio gone", "audio new"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(kinds, damages), min_size=1, max_size=8), st.sets(st.integers(0, 4)), st.integers(1, 3))
def test_whatever_was_damaged_a_rebuilt_manifest_is_right(episodes, lost, part_rows):
    archive = FinishedArchive()
    for number, (kind, _) in enumerate(episodes):
        (archive.transcribed if kind == "done" else archive.failed)(f"{number}.mp3")
    archive.finish(part_rows=part_rows)
    for number, (_, damage) in enumerate(episodes):
        hurt(archive, f"{number}.mp3", damage)
    archive.audio("whole.mp3")
    ours = [listed.key for listed in archive.storage.list("podcasts", "_nightscribe/")]
    for number in lost:
        archive.put(ours[number % len(ours)], b"damaged")

    rebuild(archive)

    assert archive.differences(deep=True) == []


def hurt(archive, key, damage):
    sidecar = key + keys.SIDECAR_SUFFIX
    match damage:
        case "sidecar gone":
            archive.storage.delete("podcasts", sidecar)
        case "sidecar edited" if archive.storage.head("podcasts", sidecar):
            archive.put(sidecar, archive.body(sidecar).replace(b'"language": "en"', b'"language": "de"'))
        case "sidecar foreign":
            archive.put(sidecar, b"{}")
        case "audio gone":
            archive.storage.delete("podcasts", key)
            archive.storage.delete("podcasts", sidecar)
        case "audio new":
            archive.audio(key, b"another recording")


def test_results_in_another_place_are_found_there():
    archive = FinishedArchive(Place(bucket="podcasts", prefix="show/"), Place(bucket="transcripts", prefix="out/"))
    archive.transcribed("show/ep1.mp3")
    archive.finish()
    archive.storage.delete("transcripts", "out/_nightscribe/archives/show/latest.json")

    assert rebuild(archive, "--output", "s3://transcripts/out/") == archive.rows
    assert archive.differences(deep=True) == []


def test_the_recipe_is_that_of_the_old_manifest_or_of_the_settings(archive):
    changed = {"NIGHTSCRIBE_RECIPE_MODEL": "fal-ai/wizper"}
    rebuild(archive, **changed)
    kept = manifest.read_latest(archive.storage, archive.output, archive.archive).recipe
    for listed in list(archive.storage.list("podcasts", "_nightscribe/")):
        archive.storage.delete("podcasts", listed.key)
    rebuild(archive, **changed)
    now = manifest.read_latest(archive.storage, archive.output, archive.archive).recipe

    assert (kept.endpoint_id, now.endpoint_id) == ("fal-ai/whisper", "fal-ai/wizper")


def test_an_archive_without_audio_is_refused():
    archive = FinishedArchive()
    archive.put("notes.txt", b"")

    outcome = invoke(group, archive, "rebuild", archive.archive.uri)

    assert isinstance(outcome.exception, ConfigurationError)
    assert outcome.exception.reason == "empty_archive"


def test_long_work_shows_that_it_goes_on(archive):
    rebuild(archive, NIGHTSCRIBE_RUN_PROGRESS_EVERY_S="0.000001")

    assert "6 objects looked at, at 'e.mp3'" in archive.said.stderr


def test_the_json_of_a_rebuilt_manifest_is_as_any_other(archive):
    rebuild(archive)
    latest = json.loads(archive.body(LATEST))

    assert latest["manifest_key"] == f"_nightscribe/runs/{latest['run_id']}/manifest.json"
    assert latest["run_id"] > "2026"
