"""--on-suspect from outside: what is told of transcripts that read wrong, and the second opinion, paid once."""

from __future__ import annotations

import json
import signal

import pytest
from archives import eventually, nothing_was_begun, says

pytestmark = [pytest.mark.e2e]

WHISPER, WIZPER = "fal-ai/whisper", "fal-ai/wizper"
STUCK = {"text": "and so on, " * 40, "chunks": [{"timestamp": [0.0, 2.9], "text": " and so on," * 40}]}
RETRY = ("--on-suspect", f"retry:{WIZPER}")
EACH_USD = 2.990938 / 3600 * 0.07


def stuck(key="", endpoint=WHISPER, **changes):
    """fal answers that model's requests with a loop."""
    return {"on": "result", "key": key, "match": {"endpoint": endpoint}, "do": {"status": 200, "body": STUCK}} | changes


def accepted(archive):
    """By object the models that were paid, in order."""
    paid = {}
    for line in archive.ledger()["accepted"]:
        key = line["audio_path"].removeprefix(f"/{archive.bucket}/")
        paid[key] = (*paid.get(key, ()), line["endpoint_id"])
    return paid


def test_suspects_are_told_and_a_second_opinion_is_kept_the_nights_after(archive):
    episodes = archive.put_episodes(4)
    archive.fault(stuck(episodes[1]))
    archive.start_worker()

    told = archive.run("backfill", archive.uri)

    assert told.returncode == 0, told.stderr
    assert "1 transcripts read wrong" in told.stdout
    assert "4 done, 1 suspect" in told.stderr
    rows = {row["key"]: row for row in archive.rows()}
    assert {key for key, row in rows.items() if row["suspect"] == ["loop"]} == {episodes[1]}
    assert archive.manifest()["totals"]["suspect"] == archive.manifest()["this_run"]["suspect"] == 1
    assert archive.sidecar(episodes[1])["quality"]["verdict"] == "suspect"
    shown = archive.run("show", f"{archive.uri}{episodes[1]}")
    assert "loop: 'and so on' 40 times in a row" in shown.stdout

    again = archive.run("backfill", archive.uri, "--force", "--include", episodes[1], *RETRY)

    assert again.returncode == 0, again.stderr
    assert "1 second opinions: 1 took the first one's place, 0 did not" in again.stdout
    row = {row["key"]: row for row in archive.rows()}[episodes[1]]
    assert (row["endpoint_id"], row["suspect"], row["state"]) == (WIZPER, [], "done")
    assert row["stands_for"] == rows[episodes[0]]["recipe"]
    assert archive.sidecar(episodes[1])["recipe"]["endpoint_id"] == WIZPER
    assert accepted(archive)[episodes[1]] == (WHISPER, WHISPER, WIZPER)
    paid = len(archive.ledger()["accepted"])

    nights = [archive.run("backfill", archive.uri, *options, *RETRY) for options in ((), ("--upgrade",))]

    assert [night.returncode for night in nights] == [0, 0]
    assert len(archive.ledger()["accepted"]) == paid
    assert archive.intents() == []
    assert archive.run("verify", archive.uri, "--deep").returncode == 0


def test_where_both_are_suspect_or_the_second_fails_the_first_stays_and_it_is_tried_once(archive):
    looping, failing, fine = archive.put_episodes(3)
    rejected = {"fail": {"status": 422, "detail": [{"loc": ["body"], "msg": "no", "type": "unsupported_audio_format"}]}}
    archive.fault(
        stuck(looping),
        stuck(failing),
        stuck(looping, WIZPER),
        {"on": "process", "key": failing, "match": {"endpoint": WIZPER}, "do": rejected},
    )
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, *RETRY, "--formats", "txt")

    assert outcome.returncode == 0, outcome.stderr
    assert "2 second opinions: 0 took the first one's place, 2 did not" in outcome.stdout
    rows = {row["key"]: row for row in archive.rows()}
    assert {row["state"] for row in rows.values()} == {"done"}
    assert {row["endpoint_id"] for row in rows.values()} == {WHISPER}
    (unplaced,) = archive.keys("_nightscribe/unplaced/")
    assert f"{archive.uri}{unplaced}" in rows[looping]["message"]
    assert json.loads(archive.read(unplaced))["recipe"]["endpoint_id"] == WIZPER
    assert archive.sidecar(looping)["recipe"]["endpoint_id"] == WHISPER
    assert rows[looping]["second_tried"] == rows[failing]["second_tried"] is not None

    again = archive.run("backfill", archive.uri, *RETRY)

    assert again.returncode == 0, again.stderr
    assert accepted(archive) == {looping: (WHISPER, WIZPER), failing: (WHISPER, WIZPER), fine: (WHISPER,)}
    assert {row["key"]: row["second_tried"] for row in archive.rows()}[looping] is not None


def test_a_dispatcher_that_is_killed_among_second_opinions_is_followed_by_one_that_asks_for_no_more(archive):
    episodes = archive.put_episodes(6)
    archive.fault(
        *(stuck(key) for key in episodes[:4]),
        {"on": "process", "match": {"endpoint": WIZPER}, "do": {"delay_s": 2.0}},
    )
    archive.start_worker(slots=2)
    command = archive.start("backfill", archive.uri, *RETRY, NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S="1")
    eventually(lambda: sum(WIZPER in paid for paid in accepted(archive).values()) >= 2, "second opinions under way")
    command.send_signal(signal.SIGKILL)
    command.wait()

    def resumed():
        outcome = archive.run("backfill", archive.uri, *RETRY)
        return outcome if outcome.returncode != 5 else None  # the dead dispatcher counts as alive for a second

    outcome = eventually(resumed, "the run goes on")

    assert outcome.returncode == 0, outcome.stderr
    paid = accepted(archive)
    assert {key: paid[key] for key in episodes[:4]} == dict.fromkeys(episodes[:4], (WHISPER, WIZPER))
    assert {key: paid[key] for key in episodes[4:]} == dict.fromkeys(episodes[4:], (WHISPER,))
    rows = {row["key"]: row for row in archive.rows()}
    assert {key for key, row in rows.items() if row["stands_for"]} == set(episodes[:4])
    assert archive.manifest()["totals"]["suspect"] == 0
    assert archive.intents() == []


def test_a_ceiling_holds_for_second_opinions_and_a_higher_one_goes_on_with_them(archive):
    episodes = archive.put_episodes(4)
    archive.fault(*(stuck(key) for key in episodes[:3]))
    archive.start_worker()
    for_first_ones = f"{4.2 * EACH_USD:.6f}"  # a second one costs 0.43 of a first

    first = archive.run("backfill", archive.uri, *RETRY, "--max-cost", for_first_ones)

    says(first, 3, "ceiling", "4 objects were transcribed", "3 suspect transcripts wait for their second opinion")
    assert accepted(archive) == dict.fromkeys(episodes, (WHISPER,))

    second = archive.run("backfill", archive.uri, *RETRY, "--max-cost", "1")

    assert second.returncode == 0, second.stderr
    assert sorted(map(len, accepted(archive).values())) == [1, 2, 2, 2]
    assert archive.manifest()["totals"]["suspect"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--on-suspect", "retry:fal-ai/whisper"), "A second opinion by fal-ai/whisper"),
        ((*RETRY, "--diarize"), "--on-suspect retry:fal-ai/wizper:"),
        (("--on-suspect", "retry:nobody/knows", "--max-cost", "1"), "--max-cost needs to know"),
    ],
    ids=["the same model", "cannot do what is asked", "no price"],
)
def test_what_the_second_model_cannot_do_is_refused_before_anything_is_begun(archive, options, said):
    archive.put_episodes(1)

    says(archive.run("backfill", archive.uri, *options), 2, said)
    nothing_was_begun(archive)


def test_a_word_that_means_nothing_is_refused(archive):
    outcome = archive.run("backfill", archive.uri, "--on-suspect", "redo")

    assert outcome.returncode == 2
    assert "'redo' is neither report nor retry:MODEL_ID" in outcome.stderr


def test_a_plan_says_what_second_opinions_may_come_to(archive):
    episodes = archive.put_episodes(4)
    archive.fault(stuck(episodes[0]))
    archive.start_worker()

    before = archive.run("plan", archive.uri, *RETRY)
    archive.run("backfill", archive.uri)
    after = archive.run("plan", archive.uri, "--force", *RETRY, "--json")

    assert f"made once more with {WIZPER}; no manifest tells how many" in before.stdout
    assert json.loads(after.stdout)["second_opinions"]["jobs"] == 1.0
