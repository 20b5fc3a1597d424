"""What `nightscribe explain` reads, how often it asks, and what it does without."""

from __future__ import annotations

from datetime import timedelta

import builders
import looking
import pytest
from stages import HookedStorage, House

from pipeline import keys, sidecars
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.manifest import Segments
from pipeline.models import Place, State, UnfinishedRun
from pipeline.unfinished import OpenRunNote

KEY = "show/ep1.mp3"
SHOW = Place(bucket="podcasts", prefix="show/")


@pytest.fixture
def house():
    """A house whose episode is done, with its row in a manifest."""
    house = House()
    looking.write_manifest(house.storage, house.work().row)
    house.forget_intent()
    house.storage.calls.clear()
    return house


def leave_open_run(house, archive=looking.ARCHIVE, run_id="run2", recipe="another"):
    note = UnfinishedRun(run_id=run_id, recipe=recipe, started_at=builders.NOW)
    OpenRunNote(house.storage, builders.OUTPUT, archive).write(note, None)
    return Segments(house.storage, builders.OUTPUT, archive, run_id)


def test_a_done_object_costs_two_looks_and_nine_reads(house):
    found = looking.look(house.storage, KEY)

    assert found.sidecar
    assert found.row
    # The object and its sidecar; then the sidecar, two archives (pointer and note each), manifest, part, intent, kept.
    assert house.storage.calls == {"head": 2, "read": 9}


def test_a_named_archive_saves_the_search_for_it(house):
    looking.look(house.storage, KEY, archive=looking.ARCHIVE)

    assert house.storage.calls == {"head": 2, "read": 7}


def test_a_key_in_many_folders_is_looked_for_in_some_archives_only(house):
    looking.look(house.storage, "a/" * 200 + "ep.mp3")

    assert house.storage.calls == {"head": 2, "read": 2 * 8 + 1}


def test_nothing_is_written(house):
    leave_open_run(house).append([builders.row(KEY)])
    house.storage.calls.clear()

    looking.look(house.storage, KEY)

    assert house.storage.calls.keys() == {"head", "read", "list"}


@pytest.mark.parametrize(
    ("prefix", "named"), [("show/", None), ("show/ep", Place(bucket="podcasts", prefix="show/ep"))]
)
def test_the_row_is_found_in_the_archive_of_a_folder_and_in_one_that_is_named(prefix, named):
    house = House()
    archive = Place(bucket="podcasts", prefix=prefix)
    looking.write_manifest(house.storage, builders.row(KEY), archive=archive, run_id="run7")

    found = looking.look(house.storage, KEY, archive=named)

    assert "run7" in found.row_source
    assert found.archive == archive


def test_of_two_archives_the_newer_row_counts_unless_that_run_left_the_object_out(house):
    later = builders.NOW + timedelta(days=1)
    failed = builders.row(KEY, State.FAILED, settled_at=later)
    looking.write_manifest(house.storage, failed, archive=SHOW, run_id="run7", now=later)
    assert looking.look(house.storage, KEY).row == failed

    excluded = builders.row(KEY, State.SKIPPED, settled_at=None)
    looking.write_manifest(house.storage, excluded, archive=SHOW, run_id="run8", now=later)
    assert looking.look(house.storage, KEY).row.state is State.DONE


def test_a_manifest_of_another_bucket_with_the_same_output_says_nothing(house):
    other = Place(bucket="elsewhere")
    row = builders.row(KEY, State.FAILED, bucket="elsewhere")
    looking.write_manifest(house.storage, row, archive=other, now=builders.NOW + timedelta(days=1))

    assert looking.look(house.storage, KEY).row is None


def test_a_run_over_another_bucket_with_the_same_output_says_nothing(house):
    leave_open_run(house).append([builders.row(KEY, State.FAILED, bucket="elsewhere")])

    assert looking.look(house.storage, KEY).row.state is State.DONE


def test_the_rows_of_an_unfinished_run_are_newer_than_the_manifest(house):
    failed = builders.row(KEY, State.FAILED, settled_at=builders.NOW + timedelta(hours=1))
    leave_open_run(house).append([failed])

    found = looking.look(house.storage, KEY)

    assert found.row == failed
    assert (found.row_source, found.unfinished.run_id) == ("rows of run run2, which has not finished", "run2")


def test_segments_beyond_the_newest_are_not_read_and_that_is_said(house):
    segments = leave_open_run(house)
    segments.append([builders.row(KEY, State.FAILED, settled_at=builders.NOW + timedelta(hours=1))])
    for number in range(12):
        segments.append([builders.row(f"{number}.mp3")])
    house.storage.calls.clear()

    found = looking.look(house.storage, KEY)

    assert found.row.state is State.DONE
    assert [note for note in found.notes if "3 older ones were not" in note]
    assert house.storage.calls["read"] == 9 + 10 + 2  # ten segments; intent and kept transcript of its recipe


def test_a_row_that_no_dispatcher_has_fetched_yet_is_seen(house):
    leave_open_run(house)
    live = looking.live_parts(house.state)
    job = builders.job(run_id="run2")
    live.runs.add("run2", [job])
    row = builders.row(KEY, State.FAILED, settled_at=builders.NOW + timedelta(hours=1))
    live.runs.settle(job, row)

    assert looking.look(house.storage, KEY, live=live).row == row


def test_the_job_of_an_unfinished_run_is_found_whatever_its_recipe():
    house = House()
    house.job = builders.job(house.job.object, builders.recipe("fal-ai/wizper"))
    house.leave_intent("intended")
    assert looking.look(house.storage, KEY).intents == ()

    leave_open_run(house, recipe=house.job.recipe.hash)

    assert [intent.job_id for intent in looking.look(house.storage, KEY).intents] == [house.job.job_id]


def test_an_open_run_names_its_archive_even_if_that_is_no_folder(house):
    live = looking.live_parts(house.state)
    live.runs.open("a", "h", new_run_id="run9", archive_uri="s3://podcasts/show/e", endpoint_id="fal-ai/whisper")
    archive = Place(bucket="podcasts", prefix="show/e")
    looking.write_manifest(house.storage, builders.row(KEY), archive=archive, now=builders.NOW + timedelta(days=1))
    live.runs.open("b", "h", new_run_id="run0", archive_uri="s3://podcasts/other/", endpoint_id="fal-ai/whisper")

    found = looking.look(house.storage, KEY, live=live)

    assert found.live.run.run_id == "run9"
    assert found.live.job_id is None


class AwayRuns:
    """A server that does not answer."""

    def __init__(self, error):
        self.error = error
        self.asked = 0

    def summaries(self):
        self.asked += 1
        raise self.error


@pytest.mark.parametrize("error", [ServiceUnavailableError("Redis is away."), ConfigurationError("No Redis.")])
def test_a_redis_that_does_not_answer_is_one_line_and_is_asked_once(house, error):
    leave_open_run(house)
    runs = AwayRuns(error)

    found = looking.look(house.storage, KEY, live=looking.live_parts(runs=runs))

    assert found.live is None
    assert found.notes == (f"What is going on now is not known: {error.message}",)
    assert runs.asked == 1
    assert found.sidecar


@pytest.mark.parametrize(
    "key",
    [
        keys.latest_key(builders.OUTPUT, looking.ARCHIVE),
        keys.open_run_key(builders.OUTPUT, looking.ARCHIVE),
        keys.intent_key(builders.OUTPUT, builders.job().job_id),
    ],
)
def test_a_file_of_another_version_is_a_note_and_no_end(key):
    house = House()
    audio = builders.audio()
    house.storage.put("podcasts", key, b'{"schema_version": 9}')

    found = looking.look(house.storage, KEY)
    if "/intents/" in key:
        row = builders.row(KEY)  # names the job whose intent cannot be read
        looking.write_manifest(house.storage, row)
        found = looking.look(house.storage, KEY)

    assert found.audio.key == audio.key
    assert [note for note in found.notes if f"s3://podcasts/{key}" in note]


class RefusingStorage(HookedStorage):
    """A store that does not let the archive's state be read."""

    def read(self, bucket, key):
        if key.endswith("latest.json"):
            raise ConfigurationError(f"S3 refuses s3://{bucket}/{key}.", "access_denied")
        return super().read(bucket, key)


def test_a_store_that_refuses_to_be_read_ends_the_command():
    with pytest.raises(ConfigurationError, match="S3 refuses"):
        looking.look(House(RefusingStorage()).storage, KEY)


def test_a_damaged_manifest_is_a_note_and_no_end(house):
    made = looking.write_manifest(house.storage, builders.row(KEY), run_id="run3")
    folder = keys.run_folder(builders.OUTPUT, looking.ARCHIVE, "run3")
    house.storage.delete("podcasts", folder + made.parts[0].name)

    found = looking.look(house.storage, KEY)

    assert found.row is None
    assert [note for note in found.notes if "part-00001" in note]


def test_a_sidecar_of_another_version_is_told_from_its_stamp(house):
    place = f"{KEY}{keys.SIDECAR_SUFFIX}"
    metadata = house.storage.head("podcasts", place).metadata
    house.storage.put("podcasts", place, b'{"schema_version": 9}', metadata)

    found = looking.look(house.storage, KEY)

    assert (found.sidecar, found.stamp) == (None, sidecars.from_metadata(metadata))
    assert [note for note in found.notes if place in note]
    assert not found.has_foreign_sidecar


def test_a_key_that_leaves_no_room_for_a_sidecar_is_looked_at_all_the_same():
    house = House()
    key = "a" * 1016 + ".mp3"
    house.storage.put("podcasts", key, b"x")

    found = looking.look(house.storage, key)

    assert found.audio.key == key
    assert house.storage.calls["head"] == 1  # S3 refuses longer keys


def test_nothing_at_all_is_known_of_what_was_never_there():
    assert not looking.look(House().storage, "typo.mp3").has_anything
