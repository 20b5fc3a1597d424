"""Night after night over the same archive: what changes is noticed, and nothing else is touched, asked or paid."""

from __future__ import annotations

import json
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from archives import Archive, end, eventually, words_of
from s3_stores import S3Proxy

pytestmark = [pytest.mark.e2e]

SIDECAR = ".transcript.json"


def first_night(archive: Archive, count: int) -> list[str]:
    """Transcribes that many recordings; returns their keys."""
    episodes = archive.put_episodes(count)
    archive.start_worker()
    outcome = archive.run("backfill", archive.uri)
    assert outcome.returncode == 0, outcome.stderr
    return episodes


def planned(archive: Archive, *words: str) -> tuple[dict[str, int], dict[str, int]]:
    """What a plan says: jobs by what was seen, skips by their reason."""
    told = json.loads(archive.run("plan", archive.uri, "--json", *words).stdout)
    return told["jobs_as"], told["skips"]


def state_of(archive: Archive, key: str) -> tuple[str, str | None]:
    """State and reason of a row."""
    (row,) = [row for row in archive.rows() if row["key"] == key]
    return row["state"], row["reason"]


def test_an_upload_in_parts_that_began_before_the_sidecar_and_ended_after_it_is_planned_again(archive):
    """On AWS its last_modified is then older than the sidecar: only the ETag tells."""
    (episode,) = archive.put_episodes(1)
    place = {"Bucket": archive.bucket, "Key": episode}
    upload = archive.client.create_multipart_upload(**place)["UploadId"]
    take = archive.read(episode) + b"\0"
    part = archive.client.upload_part(**place, UploadId=upload, PartNumber=1, Body=take)
    archive.start_worker()
    before = archive.run("backfill", archive.uri)
    old = archive.sidecar(episode)

    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    archive.client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)

    assert before.returncode == 0, before.stderr
    assert planned(archive) == ({"changed": 1}, {})
    after = archive.run("backfill", archive.uri)
    assert after.returncode == 0, after.stderr
    new = archive.sidecar(episode)
    assert (old["object"]["size_bytes"], new["object"]["size_bytes"]) == (len(take) - 1, len(take))
    assert new["object"]["etag"] == archive.client.head_object(**place)["ETag"].strip('"')
    assert archive.bills_per_key() == {episode: 2}
    assert planned(archive) == ({}, {"current": 1})


def test_a_sidecar_that_somebody_edited_is_noticed_and_never_overwritten(archive):
    edited, replaced, untouched = first_night(archive, 3)
    mine = json.dumps(archive.sidecar(edited) | {"text": "As I heard it."}).encode()
    for key in (edited, replaced):
        archive.put(f"{key}{SIDECAR}", mine)
    archive.put(replaced, archive.read(replaced) + b"\0")

    runs = [archive.run("backfill", archive.uri)]
    rows = {key: state_of(archive, key) for key in (edited, replaced, untouched)}
    runs += [archive.run(*words, archive.uri) for words in (["backfill"], ["retry-failed"], ["backfill", "--upgrade"])]
    runs += [archive.run("backfill", archive.uri, "--force", "--exclude", untouched)]

    assert rows == {
        edited: ("failed", "foreign_sidecar"),
        replaced: ("failed", "foreign_sidecar"),
        untouched: ("done", None),
    }
    assert [run.returncode for run in runs] == [1, 0, 0, 0, 0], [run.stderr for run in runs]
    assert {archive.read(f"{key}{SIDECAR}") for key in (edited, replaced)} == {mine}
    assert archive.bills_per_key() == dict.fromkeys((edited, replaced, untouched), 1)
    assert "As I heard it." in archive.run("show", f"{archive.uri}{edited}", "--json").stdout

    archive.client.delete_object(Bucket=archive.bucket, Key=f"{edited}{SIDECAR}")
    again = archive.run("backfill", archive.uri)

    assert again.returncode == 0, again.stderr
    assert state_of(archive, edited) == ("done", None)
    assert archive.sidecar(edited)["text"] != "As I heard it."


def test_a_sidecar_that_somebody_removed_is_made_again(archive):
    removed, untouched = first_night(archive, 2)
    archive.client.delete_object(Bucket=archive.bucket, Key=f"{removed}{SIDECAR}")

    noticed = planned(archive)
    outcome = archive.run("backfill", archive.uri)

    assert noticed == ({"sidecar_missing": 1}, {"current": 1})
    assert outcome.returncode == 0, outcome.stderr
    assert archive.sidecar(removed)["object"]["key"] == removed
    assert archive.bills_per_key() == {removed: 2, untouched: 1}


@pytest.mark.parametrize("is_wiped", [False, True], ids=["Redis remembers", "Redis is emptied"])
def test_a_forced_run_that_is_killed_and_continued_pays_once_more_for_each_object(archive, is_wiped):
    episodes = first_night(archive, 6)
    first = {key: archive.sidecar(key)["run_id"] for key in episodes}
    end(archive.processes[0])
    # Two are done, and the others with fal, when both processes are killed.
    archive.fault(*({"on": "process", "key": key, "do": {"delay_s": 5.0}} for key in episodes[2:]))
    command = archive.start("backfill", archive.uri, "--force", NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S="1")
    doomed = archive.start_worker("doomed", NIGHTSCRIBE_LIMITS_CONCURRENCY="6")
    eventually(lambda: len(archive.ledger()["accepted"]) == 12, "all are with fal again")
    eventually(lambda: all(archive.sidecar(key)["run_id"] != first[key] for key in episodes[:2]), "two are done")
    eventually(lambda: all(intent["request"] for intent in archive.intents()), "each reply is written down")
    command.kill()
    doomed.kill()
    command.wait()
    doomed.wait()
    archive.fault()
    if is_wiped:
        archive.redis.delete(*archive.redis.keys(f"{archive.bucket}:*"))
    archive.start_worker("second")
    lease = f"{archive.bucket}:archive:*:dispatcher"
    eventually(lambda: not archive.redis.keys(lease), "the dead dispatcher is known to be dead")
    outcome = archive.run("backfill", archive.uri, "--force")

    assert outcome.returncode == 0, outcome.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 2)
    assert len(archive.ledger()["accepted"]) == 12
    (run_id,) = {archive.sidecar(key)["run_id"] for key in episodes}
    assert {row["run_id"] for row in archive.rows()} == {run_id}
    assert planned(archive, "--force") == ({"current": 6}, {})
    assert planned(archive) == ({}, {"current": 6})


def test_a_night_in_which_nothing_changed_asks_for_no_object_and_writes_only_that_it_looked(archive):
    archive.put("bad/empty.mp3", b"")
    archive.put("bad/foreign.mp3", b"never opened")
    archive.put(f"bad/foreign.mp3{SIDECAR}", b"a stranger's")
    archive.put_episodes(3)
    archive.start_worker()
    archive.run("backfill", archive.uri, "--exclude", "*/episode 000002.mp3")
    before, keys = json.loads(archive.read("_nightscribe/latest.json")), archive.keys()

    with S3Proxy(archive.environment["AWS_ENDPOINT_URL"]) as proxy:
        outcome = archive.run("backfill", archive.uri, "--exclude", "*/episode 000002.mp3", AWS_ENDPOINT_URL=proxy.url)

    assert outcome.returncode == 0, outcome.stderr
    assert f"nothing has changed since run {before['run_id']}" in outcome.stdout
    asked = Counter(map(_act, proxy.requests, proxy.targets))
    assert asked.pop("LIST") <= 2  # the archive's one page, and a look for segments of a run in progress
    assert asked.pop("GET _nightscribe/open.json") <= 2  # before the run, and at its end
    assert {act for act in asked if not act.startswith("GET _nightscribe/")} == {"PUT _nightscribe/latest.json"}
    assert max(asked.values()) == 1, asked
    after = json.loads(archive.read("_nightscribe/latest.json"))
    assert after.pop("looked_at") > before["finished_at"]
    assert after == {name: value for name, value in before.items() if name != "looked_at"}
    assert archive.keys() == keys


def _act(method: str, target: str) -> str:
    address = urlsplit(target)
    if "list-type" in parse_qs(address.query):
        return "LIST"
    return f"{method} {words_of(address.path).split('/', 2)[2]}"


def test_a_deleted_object_leaves_the_manifest_the_next_night(archive):
    deleted, kept = first_night(archive, 2)
    for key in (deleted, f"{deleted}{SIDECAR}"):
        archive.client.delete_object(Bucket=archive.bucket, Key=key)

    noticed = planned(archive)
    outcome = archive.run("backfill", archive.uri)

    assert noticed == ({}, {"current": 1, "gone": 1})
    assert outcome.returncode == 0, outcome.stderr
    assert "1 gone" in outcome.stdout
    assert [row["key"] for row in archive.rows()] == [kept]
    assert archive.manifest()["totals"]["objects"] == 1
    assert planned(archive) == ({}, {"current": 1})
