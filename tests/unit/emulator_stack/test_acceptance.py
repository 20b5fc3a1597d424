"""The demo's verdict: right results have no problems, and each kind of wrong result is named."""

from dataclasses import replace

import pytest

from emulator.archive import EPISODES, Expected
from emulator.demo.acceptance import Runs, accuracy_problems, compared_texts, row_problems, run_problems
from emulator.demo.accuracy import Accuracy, measure
from emulator.demo.results import Row

GOOD, SILENT, BAD = (
    next(episode for episode in EPISODES if episode.expected is kind)
    for kind in (Expected.DONE, Expected.NO_SPEECH, Expected.FAILED)
)
RUNS = Runs(first_exit=1, second_exit=0, calls_after_first=60, calls_after_second=60)


def right_row(episode):
    if episode.expected is Expected.FAILED:
        return Row(episode.key, state="failed", reason="not_audio", message="It is no audio.")
    return Row(episode.key, state="done", speech=episode.expected is Expected.DONE)


ROWS = tuple(right_row(episode) for episode in EPISODES)
SIDECARS = {episode.key for episode in EPISODES if episode.expected is not Expected.FAILED}


def changed(key, **fields):
    return [replace(row, **fields) if row.key == key else row for row in ROWS]


def test_right_results_have_no_problems():
    assert row_problems(EPISODES, ROWS, SIDECARS) == []
    assert accuracy_problems(Accuracy(errors=11, words=100)) == []
    assert run_problems(RUNS, EPISODES) == []


def test_zero_bytes_may_be_skipped_with_their_reason():
    rows = changed(BAD.key, state="skipped", reason="empty_object")

    assert row_problems(EPISODES, rows, SIDECARS) == []


@pytest.mark.parametrize(
    ("rows", "about"),
    [
        pytest.param(changed(GOOD.key, state="failed", reason="timeout"), GOOD.key, id="a good one failed"),
        pytest.param(changed(GOOD.key, state="pending"), GOOD.key, id="a good one is not settled"),
        pytest.param(changed(GOOD.key, speech=False), GOOD.key, id="speech was not heard"),
        pytest.param(changed(SILENT.key, speech=True), SILENT.key, id="speech was heard in silence"),
        pytest.param(changed(SILENT.key, state="failed", reason="no_speech"), SILENT.key, id="silence failed"),
        pytest.param(changed(BAD.key, state="done", reason=None, speech=True), BAD.key, id="a bad one is done"),
        pytest.param(changed(BAD.key, reason=None), BAD.key, id="a bad one has no reason"),
        pytest.param(changed(BAD.key, state="skipped", reason="current"), BAD.key, id="a bad one counts as current"),
        pytest.param([row for row in ROWS if row.key != GOOD.key], GOOD.key, id="a row is missing"),
        pytest.param([*ROWS, ROWS[0]], ROWS[0].key, id="a row is there twice"),
        pytest.param([*ROWS, Row("stranger.mp3", state="done")], "stranger.mp3", id="a row too many"),
    ],
)
def test_a_wrong_row_is_named(rows, about):
    (problem,) = row_problems(EPISODES, rows, SIDECARS)

    assert about in problem


@pytest.mark.parametrize("sidecars", [SIDECARS - {GOOD.key}, SIDECARS | {BAD.key}])
def test_a_sidecar_missing_or_too_many_is_named(sidecars):
    (problem,) = row_problems(EPISODES, ROWS, sidecars)

    assert "a sidecar" in problem


def test_the_limit_of_the_word_error_rate_itself_is_too_much():
    assert len(accuracy_problems(Accuracy(errors=12, words=100))) == 1


def test_a_missing_transcript_counts_as_all_words_wrong():
    accuracy = measure(compared_texts(EPISODES, {}))

    assert accuracy.word_error_rate == 1.0


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(replace(RUNS, first_exit=0), id="failures were not reported"),
        pytest.param(replace(RUNS, first_exit=5), id="the first run did not run"),
        pytest.param(replace(RUNS, second_exit=1), id="the second run failed"),
        pytest.param(replace(RUNS, calls_after_second=61), id="the second run called fal"),
        pytest.param(replace(RUNS, calls_after_first=0, calls_after_second=0), id="the ledger counts nothing"),
    ],
)
def test_a_wrong_run_is_named(runs):
    assert len(run_problems(runs, EPISODES)) == 1
