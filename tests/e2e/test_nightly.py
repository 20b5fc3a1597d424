"""Night after night from outside: what is new is done and nothing else, and whatever ends a night, the next goes on."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from datetime import UTC, datetime

import pytest
from archives import REPOSITORY, end, eventually, says

pytestmark = [pytest.mark.e2e]

EACH_USD = 2.990938 / 3600 * 0.07  # one of the small recordings, by the local profile's price

# The clock of a test night goes by seconds. All else is as it is.
_UNTIL_SOON = textwrap.dedent("""
    import sys
    from datetime import timedelta
    from pipeline import cli
    from pipeline.cli import deadlines

    seconds = float(sys.argv.pop(1))
    deadlines.next_moment = lambda _clock, _zone, after: after + timedelta(seconds=seconds)
    cli.main()
""")


def start_until(archive, seconds, *words):
    """A night in the background whose deadline comes so soon; its output goes to command.log."""
    command = [sys.executable, "-c", _UNTIL_SOON, str(seconds), "nightly", *words, "--until", "06:00"]
    return archive._spawn(command, "command.log", {"PYTHONPATH": str(REPOSITORY)})


def states(archive):
    return {row["key"]: (row["state"], row["reason"]) for row in archive.rows()}


def accepted(archive):
    return {line["audio_path"].rpartition("/")[2] for line in archive.ledger()["accepted"]}


def wait_for_the_lease_of_the_dead(archive):
    lease = f"{archive.bucket}:archive:*:dispatcher"
    eventually(lambda: not archive.redis.keys(lease), "the dead dispatcher is known to be dead")


def test_the_second_night_touches_what_is_new_or_changed_and_nothing_else(archive):
    episodes = archive.put_episodes(6)
    archive.start_worker()
    first = archive.run("nightly", archive.uri)
    sidecars = {key: archive.read(f"{key}.transcript.json") for key in episodes}
    news = archive.put_episodes(5, "new/")
    changed = episodes[:2]
    for key in changed:
        archive.put(key, archive.read(key) + b"\0")

    second = archive.run("nightly", archive.uri, "--json")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert f"Run {archive.manifest()['run_id']}" not in first.stdout
    told = json.loads(second.stdout)
    assert (told["ending"], told["done"], told["skipped"], told["left"]) == ("done", 7, 4, 0)
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1) | dict.fromkeys(news, 1) | dict.fromkeys(changed, 2)
    touched = {key for key in episodes if archive.read(f"{key}.transcript.json") != sidecars[key]}
    assert touched == set(changed)


def test_a_killed_night_is_completed_by_the_next_start_and_each_is_paid_once(archive):
    """With kill -9, and under a deadline that has passed when the next night finds its jobs still in the queue."""
    archive.environment["NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S"] = "1"
    episodes = archive.put_episodes(8)
    killed = start_until(archive, 5, archive.uri)
    eventually(lambda: archive.redis.llen(archive.queue) == len(episodes), "all are enqueued")
    end(killed, signal.SIGKILL)
    run_id = json.loads(archive.read("_nightscribe/open.json"))["run_id"]
    jobs = map(json.loads, archive.redis.hvals(f"{archive.bucket}:run:{run_id}:jobs"))
    deadline = max(datetime.fromisoformat(job["handling"]["submit_before"]) for job in jobs)
    eventually(lambda: datetime.now(UTC) > deadline, "the deadline of the killed night has passed")
    wait_for_the_lease_of_the_dead(archive)

    next_night = start_until(archive, 600, archive.uri)
    lease = f"{archive.bucket}:archive:*:dispatcher"
    eventually(lambda: archive.redis.keys(lease), "the next night is at work")
    archive.start_worker()

    assert next_night.wait(90) == 0, archive.log("command.log")
    assert "their earlier deadline had passed; they were sent again" in archive.log("command.log")
    assert archive.manifest()["run_id"] == run_id
    assert set(states(archive).values()) == {("done", None)}
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_of_two_nights_at_once_the_second_ends_with_5_and_touches_nothing(archive):
    episodes = archive.put_episodes(4)
    first = archive.start("nightly", archive.uri)
    eventually(lambda: archive.redis.llen(archive.queue) == len(episodes), "the first night is at work")
    before = archive.keys()

    second = archive.run("nightly", archive.uri)

    says(second, 5, "is alive", archive.uri)
    assert json.loads(archive.read("_nightscribe/open.json"))["run_id"] in second.stderr
    assert archive.keys() == before
    assert archive.redis.llen(archive.queue) == len(episodes)
    archive.start_worker()
    assert first.wait(90) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_after_the_deadline_nothing_is_submitted_and_what_was_is_collected(archive):
    episodes = archive.put_episodes(6)
    archive.fault({"on": "process", "do": {"delay_s": 9.0}})
    archive.start_worker(NIGHTSCRIBE_LIMITS_CONCURRENCY="2", NIGHTSCRIBE_LIMITS_OVERCOMMIT="1")
    eventually(lambda: "worker_started" in archive.log(), "the worker lives")  # its start takes none of the time

    night = start_until(archive, 8, archive.uri)

    assert night.wait(90) == 6, archive.log("command.log")
    said = archive.log("command.log")
    assert "was over at" in said
    in_time = len(accepted(archive))
    assert in_time in {1, 2}, "two permits, each held until the deadline has passed"
    assert f"{6 - in_time} are left" in said, said
    assert "Traceback" not in said
    found = states(archive)
    assert sorted(found.values()) == [("done", None)] * in_time + [("pending", "after_deadline")] * (6 - in_time)
    assert archive.manifest()["complete"] is False
    assert archive.keys("_nightscribe/open.json") == []

    archive.fault()
    next_night = archive.run("nightly", archive.uri)

    assert next_night.returncode == 0, next_night.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert archive.manifest()["complete"] is True
    assert archive.intents() == []


def test_a_night_that_has_no_time_for_what_failed_before_is_not_complete(archive):
    """What failed in passing is tried again every night; its row tells of the failure, and is not pending."""
    episodes = archive.put_episodes(2)
    archive.fault({"on": "process", "key": episodes[0], "do": {"fail": {"status": 500, "detail": "ill"}}})
    archive.start_worker(NIGHTSCRIBE_RETRY_MAX_ATTEMPTS="1")
    first = archive.run("nightly", archive.uri)
    was_complete = archive.manifest()["complete"]
    archive.fault()

    late = start_until(archive, 0, archive.uri)

    assert (first.returncode, was_complete) == (1, True), first.stderr
    assert late.wait(90) == 6, archive.log("command.log")
    assert archive.manifest()["complete"] is False
    assert archive.keys("_nightscribe/open.json") == []
    assert archive.run("nightly", archive.uri).returncode == 0
    assert archive.manifest()["complete"] is True


def test_a_night_at_its_ceiling_is_over_and_the_next_has_a_fresh_one(archive):
    episodes = archive.put_episodes(5)
    archive.start_worker()
    words = ["nightly", archive.uri, "--max-cost", f"{3.5 * EACH_USD:.6f}"]

    first = archive.run(*words)
    manifest = archive.manifest()
    between = states(archive)
    second = archive.run(*words)

    says(first, 3, "3 objects were transcribed in this run, 2 are left", "a ceiling of its own")
    assert sorted(between.values()) == [("done", None)] * 3 + [("pending", "budget_reached")] * 2
    assert manifest["complete"] is False
    assert second.returncode == 0, second.stderr
    assert archive.manifest()["run_id"] != manifest["run_id"]
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert archive.redis.keys(f"{archive.bucket}:*budget*") == []


def test_of_two_archives_a_broken_one_does_not_keep_the_other_from_being_done(archive):
    archive.put_episodes(2, "shows/")
    archive.start_worker()
    (archive.folder / "archives.toml").write_text(
        f'[defaults]\nformats = ["txt"]\n'
        f'[[archive]]\nuri = "{archive.uri}nothing-there/"\n'
        f'[[archive]]\nuri = "{archive.uri}shows/"\noutput = "{archive.uri}results/"\n'
    )

    night = archive.run("nightly", "--json", NIGHTSCRIBE_NIGHT_ARCHIVES="archives.toml")

    broken, done = map(json.loads, night.stdout.splitlines())
    assert night.returncode == 2, night.stderr
    assert (broken["ending"], broken["exit_code"], broken["run_id"] != "") == ("stopped", 2, True)
    assert "There is no audio" in broken["message"]
    assert (done["ending"], done["done"], done["exit_code"]) == ("done", 2, 0)
    assert done["manifest_uri"].startswith(f"{archive.uri}results/_nightscribe/")
    assert len([key for key in archive.keys("results/") if key.endswith(".txt")]) == 2


def test_a_model_that_one_archive_names_wrongly_stops_no_other(archive):
    """Its jobs are still in the queue when the next archive's turn comes."""
    archive.put_episodes(100, "a/")
    good = archive.put_episodes(3, "b/")
    archive.start_worker(slots=4)
    (archive.folder / "archives.toml").write_text(
        f'[[archive]]\nuri = "{archive.uri}a/"\nmodel = "fal-ai/no-such-model"\n[[archive]]\nuri = "{archive.uri}b/"\n'
    )

    night = archive.run("nightly", "--json", NIGHTSCRIBE_NIGHT_ARCHIVES="archives.toml")

    broken, done = map(json.loads, night.stdout.splitlines())
    assert night.returncode == 2, night.stderr
    assert (broken["ending"], "no-such-model" in broken["message"]) == ("stopped", True)
    assert (done["ending"], done["done"], done["exit_code"]) == ("done", 3, 0)
    assert archive.bills_per_key() == dict.fromkeys(good, 1)


def test_a_signal_ends_the_archive_at_work_in_order_and_begins_no_other(archive):
    archive.put_episodes(2, "a/")
    archive.put_episodes(2, "b/")
    file = archive.folder / "archives.toml"
    file.write_text("".join(f'[[archive]]\nuri = "{archive.uri}{name}/"\n' for name in "ab"))
    night = archive.start("nightly", "--archives", str(file))
    eventually(lambda: archive.redis.llen(archive.queue) == 2, "the first archive is at work")

    assert end(night) == 130

    said = archive.log("command.log")
    assert "1 more archives were not begun" in said
    assert "Traceback" not in said
    assert archive.redis.llen(archive.queue) == 2
