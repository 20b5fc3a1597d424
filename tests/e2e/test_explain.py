"""`nightscribe explain` from outside: what really happened to an object, on real servers and with a real worker."""

from __future__ import annotations

import json
import re

import pytest
from archives import end, eventually, says

pytestmark = [pytest.mark.e2e]

NOWHERE = "redis://127.0.0.1:9/0"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +(\+[\d.]+ (?:s|min|h|d))?  (\w+)")


def explain(archive, key, *words, **env):
    """What the command says of an object, for programs."""
    outcome = archive.run("explain", f"{archive.uri}{key}", "--json", *words, **env)
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def steps(said):
    return [line["what"] for line in said["story"]]


def details(said, what):
    return [line["detail"] for line in said["story"] if line["what"] == what]


def test_the_story_of_a_success_with_its_request_its_worker_and_its_cost(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    sidecar = archive.sidecar(key)

    said = explain(archive, key)

    assert steps(said) == ["planned", "leased", "intended", "submitted", "completed", "fetched", "written"]
    assert details(said, "submitted") == [
        f"request {sidecar['request']['request_id']}, attempt 1, {details(said, 'leased')[0]}"
    ]
    assert "by worker w1@" in details(said, "leased")[0]
    assert "USD" in details(said, "fetched")[0]
    assert said["transcript"]["cost_usd"] == sidecar["cost"]["usd"]
    assert said["object"]["etag"] == said["etag_of_story"] == sidecar["object"]["etag"]
    assert (said["stands"], said["row"]["state"], said["notes"]) == ("done", "done", [])


def test_people_read_lines_with_times_and_what_comes_next(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)

    outcome = archive.run("explain", f"{archive.uri}{key}")

    lines = [found.groups() for text in outcome.stdout.splitlines() if (found := LINE.match(text))]
    names = ["planned", "leased", "intended", "submitted", "completed", "fetched", "written"]
    assert [what for _, what in lines] == names
    assert [passed is None for passed, _ in lines] == [what == "planned" for what in names]
    assert f"nightscribe show '{archive.uri}{key}'" in outcome.stdout
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_failure_of_fal_is_told_with_its_reason_and_its_second_attempt(archive):
    (key,) = archive.put_episodes(1)
    archive.fault({"on": "process", "times": 1, "do": {"fail": {}}})
    archive.start_worker(NIGHTSCRIBE_RETRY_BASE_S="0.1")
    archive.run("backfill", archive.uri)
    accepted = [request["request_id"] for request in archive.ledger()["accepted"]]

    said = explain(archive, key)

    assert details(said, "failed") == ["runner_server_error, attempt 1"]
    assert details(said, "intended") == ["attempt 1", "attempt 2"]
    assert [detail.split(",")[0] for detail in details(said, "submitted")] == [f"request {one}" for one in accepted]
    assert steps(said)[-1] == "written"
    assert (said["stands"], said["transcript"]["attempts"]) == ("done", 2)


def test_a_lost_reply_is_told_as_adopted(archive):
    (key,) = archive.put_episodes(1)
    archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
    archive.start_worker()
    archive.run("backfill", archive.uri)

    said = explain(archive, key)

    ((adopted,), submitted) = details(said, "adopted"), details(said, "submitted")
    assert adopted.startswith(f"request {archive.ledger()['accepted'][0]['request_id']}, found in fal's history")
    assert submitted == []
    assert said["stands"] == "done"


def test_a_lost_reply_that_nobody_can_look_up_says_what_to_do(archive):
    (key,) = archive.put_episodes(1)
    archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
    blind = {"NIGHTSCRIBE_FAL_PLATFORM_URL": "", "NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S": "2"}
    archive.start_worker(**blind)
    archive.run("backfill", archive.uri)

    said = explain(archive, key, **blind)

    assert (said["stands"], steps(said)[-1]) == ("uncertain", "settled")
    assert f"nightscribe retry-failed {archive.uri} --allow-rebill" in said["next"]
    assert f"asks fal's history again: nightscribe backfill {archive.uri}" in explain(archive, key)["next"]


def test_a_bad_file_is_told_with_its_reason_and_with_what_would_try_again(archive):
    archive.put("bad/page.mp3", b"<!DOCTYPE html><html><body>404 not found</body></html>" * 50)
    archive.start_worker()
    archive.run("backfill", f"{archive.uri}bad/")

    said = explain(archive, "bad/page.mp3", REDIS_URL=NOWHERE)

    assert details(said, "settled") == [f"failed, not_audio, run {said['row']['run_id']}"]
    assert said["stands"] == "failed"
    assert "nothing was paid" in said["now"]
    assert said["next"].endswith(f"nightscribe retry-failed {archive.uri}bad/")
    (note,) = said["notes"]
    assert "127.0.0.1:9" in note


def test_a_job_at_work_is_told_while_it_lasts(archive):
    (key,) = archive.put_episodes(1)
    archive.fault({"on": "process", "do": {"delay_s": 8.0}})
    worker = archive.start_worker()
    command = archive.start("backfill", archive.uri)
    eventually(lambda: archive.ledger()["accepted"], "the request is at fal")

    said = eventually(lambda: (now := explain(archive, key))["stands"] == "working" and now, "a worker has it")
    code = command.wait(90)
    end(worker)

    assert said["live"]["holder"].startswith("w1@")
    assert said["live"]["job_id"] == said["story"][0]["job_id"]
    assert said["unfinished_run"] == said["live"]["run"]["run_id"]
    assert (code, explain(archive, key)["stands"]) == (0, "done")


def test_a_replaced_audio_is_seen(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    archive.put(key, b"something else")

    said = explain(archive, key)

    assert said["stands"] == "changed"
    assert said["object"]["etag"] != said["etag_of_story"] == said["transcript"]["object_etag"]


def test_an_object_that_no_run_has_seen_is_told_to_be_new_with_its_key_escaped(archive):
    key = "evil\x1b[31m\r\u202e.mp3"
    archive.put(key, b"x")

    outcome = archive.run("explain", f"{archive.uri}{key}")

    assert outcome.returncode == 0, outcome.stderr
    assert f"{archive.uri}evil\\x1b[31m\\r\\u202e.mp3" in outcome.stdout
    assert not set("\x1b\r\u202e") & set(outcome.stdout)
    assert f"nightscribe backfill {archive.uri}" in outcome.stdout
    assert explain(archive, key)["object"]["key"] == key


def test_what_was_never_there_is_an_error(archive):
    says(
        archive.run("explain", f"{archive.uri}typo\x1b.mp3"), 2, f"{archive.uri}typo\\x1b.mp3", "no object", "--output"
    )
    says(archive.run("explain", archive.uri), 2, archive.uri, "no object")
    says(archive.run("explain", "s3://no-such-bucket-here/a.mp3"), 2, "no-such-bucket-here", "no such bucket")
    says(archive.run("explain", f"{archive.uri}a.mp3", "--archive", f"{archive.uri}b/"), 2, "--archive", "not under")
    says(archive.run("explain", f"{archive.uri}a\udcff.mp3"), 2, "UTF-8")


def test_no_secret_is_in_a_story(archive):
    (key,) = archive.put_episodes(1)
    echo = f"{archive.servers.s3.url}/{archive.bucket}/x.mp3?X-Amz-Credential=canary&X-Amz-Signature=canary"
    archive.fault({"on": "process", "do": {"fail": {"status": 422, "detail": [{"type": "x", "msg": echo, "loc": []}]}}})
    archive.start_worker()
    archive.run("backfill", archive.uri)

    plain = archive.run("explain", f"{archive.uri}{key}")
    as_json = archive.run("explain", f"{archive.uri}{key}", "--json")

    assert json.loads(as_json.stdout)["stands"] == "failed"
    for said in (plain.stdout, as_json.stdout):
        assert "canary" not in said
        assert archive.environment["FAL_KEY"] not in said
