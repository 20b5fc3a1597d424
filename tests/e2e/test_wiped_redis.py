"""Redis emptied, or killed and restarted with nothing, in mid-run: it costs time, never money or results (I3).

Judged by fal's ledger and by S3 alone.
"""

from __future__ import annotations

import json
import shutil

import pytest
import redis
from archives import Archive, eventually, says

pytestmark = [pytest.mark.e2e]

COUNT = 16


@pytest.fixture
def server(archive):
    """The Redis server of this test process; it answers again after the test, whatever was done to it."""
    yield archive.servers.redis
    if not answers(archive):
        archive.servers.redis.kill()
        archive.servers.redis.start()


def answers(archive):
    try:
        return archive.redis.ping()
    except redis.RedisError:
        return False


def restart_with_nothing(server):
    """A crash of a server without persistence."""
    server.kill()
    shutil.rmtree(server.folder)
    server.folder.mkdir(mode=0o700)
    server.start()


def begin(archive: Archive, **env):
    """Starts a backfill of slow recordings; some are done and some in flight when this returns."""
    episodes = archive.put_episodes(COUNT)
    archive.fault({"on": "process", "do": {"delay_s": 1.5}})
    archive.start_worker(slots=6)
    command = archive.start(
        "backfill", archive.uri, NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S="2", NIGHTSCRIBE_RUN_SEGMENT_ROWS="2", **env
    )
    eventually(lambda: len(archive.ledger()["bills"]) >= 3, "some are done")
    return episodes, command


def all_is_well(archive, episodes):
    """One bill and one sidecar for each recording, no request too many, and nothing left open."""
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == len(episodes)
    assert {key: archive.sidecar(key)["object"]["key"] for key in episodes} == {key: key for key in episodes}
    assert {row["key"]: row["state"] for row in archive.rows()} == dict.fromkeys(episodes, "done")
    assert archive.intents() == []
    assert archive.keys("_nightscribe/open.json") == []


def noted_run(archive):
    return json.loads(archive.read("_nightscribe/open.json"))["run_id"]


def test_a_run_goes_on_by_itself_when_redis_is_emptied(archive, server):
    episodes, command = begin(archive)

    archive.redis.flushall()

    assert command.wait(90) == 0, archive.log("command.log")
    assert "Redis had forgotten" in archive.log("command.log")
    assert f"this run   {COUNT} done, 0 failed" in archive.log("command.log")
    all_is_well(archive, episodes)


def test_a_run_goes_on_by_itself_when_redis_is_emptied_again_and_again(archive, server):
    episodes, command = begin(archive, NIGHTSCRIBE_QUEUE_HIGH_WATER="6", NIGHTSCRIBE_QUEUE_LOW_WATER="3")

    for done in (4, 6, 8):
        eventually(lambda done=done: len(archive.ledger()["bills"]) >= done, f"{done} are done")
        archive.redis.flushall()

    assert command.wait(90) == 0, archive.log("command.log")
    all_is_well(archive, episodes)


def test_a_run_waits_for_redis_and_goes_on_when_it_comes_back_with_nothing(archive, server):
    episodes, command = begin(archive)

    restart_with_nothing(server)

    assert command.wait(90) == 0, archive.log("command.log")
    all_is_well(archive, episodes)


def test_a_run_whose_dispatcher_died_too_is_resumed_by_running_the_command_again(archive, server):
    episodes, command = begin(archive)
    run_id = noted_run(archive)

    command.kill()
    archive.redis.flushall()
    command.wait()
    again = archive.run("backfill", archive.uri)

    assert again.returncode == 0, again.stderr
    assert archive.manifest()["run_id"] == run_id
    assert archive.manifest()["this_run"]["objects"] == COUNT
    all_is_well(archive, episodes)


def test_everything_but_s3_may_die_at_once(archive, server):
    """Dispatcher, worker and Redis: kill -9. What is in S3 is enough."""
    episodes, command = begin(archive)
    run_id = noted_run(archive)

    for process in archive.processes:
        process.kill()
    restart_with_nothing(server)
    command.wait()
    archive.start_worker("second", slots=6)
    again = archive.run("backfill", archive.uri)

    assert again.returncode == 0, again.stderr
    assert archive.manifest()["run_id"] == run_id
    all_is_well(archive, episodes)


def test_rows_that_were_lost_with_redis_are_found_again_by_their_sidecars(archive, server):
    """Workers finish while no dispatcher keeps their rows; then Redis is emptied."""
    episodes, command = begin(archive)
    run_id = noted_run(archive)
    command.kill()
    command.wait()
    eventually(lambda: len(archive.ledger()["bills"]) == COUNT, "the workers have done everything")
    eventually(lambda: sum(key.endswith(".transcript.json") for key in archive.keys("")) == COUNT, "and kept it")
    intents = archive.intents()
    archive.redis.flushall()

    again = archive.run("backfill", archive.uri)

    assert intents
    assert again.returncode == 0, again.stderr
    assert archive.manifest()["run_id"] == run_id
    all_is_well(archive, episodes)


def test_redis_that_stays_away_ends_the_run_which_is_resumed_later(archive, server):
    episodes, command = begin(archive, NIGHTSCRIBE_RUN_PATIENCE_S="2")
    run_id = noted_run(archive)

    server.kill()
    code = command.wait(90)
    server.start()
    again = archive.run("backfill", archive.uri)

    assert code == 2, archive.log("command.log")
    said = archive.log("command.log")
    assert "does not answer" in said
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert again.returncode == 0, again.stderr
    assert archive.manifest()["run_id"] == run_id
    all_is_well(archive, episodes)


def test_another_recipe_is_another_run_even_when_redis_knows_neither(archive, server):
    """Nothing of the unfinished run is taken over but what is in S3 for every run."""
    _, command = begin(archive)
    run_id = noted_run(archive)
    command.kill()
    command.wait()
    archive.redis.flushall()
    archive.fault()

    other = archive.run("backfill", archive.uri, "--model", "fal-ai/wizper", "--limit", "3")

    assert other.returncode == 0, other.stderr
    assert archive.manifest()["run_id"] != run_id
    assert archive.keys("_nightscribe/open.json") == []


def test_a_run_that_did_not_begin_leaves_nothing_to_continue(archive, server):
    archive.put_episodes(1)

    outcome = archive.run("backfill", archive.uri, FAL_KEY="00000000-0000-0000-0000-000000000000:" + "0" * 32)

    says(outcome, 4, "key")
    assert archive.keys("_nightscribe/") == []
