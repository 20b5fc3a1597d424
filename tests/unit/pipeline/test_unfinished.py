"""unfinished: the note of a run that has begun, written on the condition of what was seen."""

from __future__ import annotations

import builders
import pytest

from pipeline.errors import ConfigurationError, RunActiveError
from pipeline.models import Place, UnfinishedRun
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.memory import MemoryStorage
from pipeline.unfinished import OpenRunNote

ARCHIVE = Place(bucket="podcasts", prefix="shows/")
KEY = "_nightscribe/archives/shows/open.json"


def run(run_id="run1", **changes):
    fields = {"run_id": run_id, "recipe": "h", "started_at": builders.NOW}
    return UnfinishedRun(**fields | changes)


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
def note(storage):
    return OpenRunNote(storage, builders.OUTPUT, ARCHIVE)


def test_a_run_is_noted_beside_its_manifests_and_found_again(note, storage):
    assert note.read() is None

    note.write(run(), None)

    assert note.read().run == run()
    assert [listed.key for listed in storage.list("podcasts", "")] == [KEY]


def test_what_is_noted_already_is_not_written_again(note, storage):
    written = note.write(run(), None)

    note.write(run(), written)

    assert storage.calls["write"] == 1


def test_a_run_of_another_recipe_takes_the_place_of_the_one_that_was_seen(note):
    written = note.write(run(), None)

    note.write(run("run2", recipe="other"), written)

    assert note.read().run.run_id == "run2"


def test_the_faster_of_two_dispatchers_wins(note):
    """Redis may be empty, so that both could begin; only one notes its run."""
    note.write(run("theirs"), None)

    with pytest.raises(RunActiveError, match="theirs"):
        note.write(run("ours"), None)


def test_a_write_that_succeeded_and_lost_its_reply_is_recognised(note, storage):
    true_write = storage.write

    def lossy(*words, **options):
        true_write(*words, **options)
        raise PreconditionFailedError

    storage.write = lossy

    assert note.write(run(), None).run == run()


def test_a_finished_run_is_forgotten_and_another_one_is_left_alone(note):
    note.write(run(), None)

    note.remove("run0")
    left = note.read()
    note.remove("run1")
    note.remove("run1")

    assert left.run == run()
    assert note.read() is None


def test_the_note_of_another_version_is_refused_with_what_to_do(note, storage):
    storage.put("podcasts", KEY, b'{"schema_version": 2}')

    with pytest.raises(ConfigurationError, match="move the file away"):
        note.read()
