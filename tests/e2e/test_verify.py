"""verify and manifest rebuild on real servers: somebody meddles with an archive, each thing is named, and mended."""

from __future__ import annotations

import json

import pytest
from archives import end, eventually, says

pytestmark = [pytest.mark.e2e]

PARTS_OF_THREE = {"NIGHTSCRIBE_RUN_PART_ROWS": "3"}
ODD = "show 004/control\x01 %2F+é\u0301 \U0001f319.mp3"


def verify(archive, *words):
    """The exit code, the differences as kind and key, and the summary."""
    outcome = archive.run("verify", archive.uri, "--json", *words)
    assert "Traceback" not in outcome.stderr
    *told, last = [json.loads(line) for line in outcome.stdout.splitlines()]
    return outcome.returncode, [(one["difference"], one["key"]) for one in told], last["summary"]


def test_what_somebody_did_to_an_archive_is_named_and_rebuild_mends_it(archive):
    episodes = archive.put_episodes(9)
    archive.put(ODD, archive.read(episodes[0]))
    archive.put("show 005/empty.mp3", b"")
    archive.start_worker()
    archive.run("backfill", archive.uri, **PARTS_OF_THREE)
    right = archive.rows()
    before = verify(archive, "--deep")

    edited, deleted, stranger = (f"{episodes[number]}.transcript.json" for number in (1, 5, 6))
    archive.put(edited, archive.read(edited).replace(b'"attempts": 1', b'"attempts": 7'))
    archive.client.delete_object(Bucket=archive.bucket, Key=deleted)
    archive.put(stranger, b'{"text": "mine"}')
    archive.put("show 006/added later.mp3", archive.read(episodes[0]))
    archive.put("show 001/orphan.mp3.transcript.json", b"{}")
    part = f"_nightscribe/runs/{archive.manifest()['run_id']}/part-00004.jsonl.gz"
    archive.put(part, archive.read(part)[:-20])
    after = verify(archive, "--deep")
    archive.client.delete_object(Bucket=archive.bucket, Key="show 001/orphan.mp3.transcript.json")
    rebuilt = archive.run("manifest", "rebuild", archive.uri, **PARTS_OF_THREE)
    mended = verify(archive, "--deep")

    assert [row["state"] for row in right] == ["done"] * 6 + ["failed"] + ["done"] * 4
    assert [part["rows"] for part in archive.manifest()["parts"]] == [3, 3, 3, 3]
    assert before[:2] == (0, [])
    assert (before[2]["rows"], before[2]["objects"], before[2]["sidecars_read"]) == (11, 11, 10)
    assert after[0] == 1
    assert after[1] == [
        ("sidecar_changed", edited),
        ("sidecar_wrong", edited),
        ("sidecar_without_row", "show 001/orphan.mp3.transcript.json"),
        ("sidecar_missing", deleted),
        ("object_without_row", "show 006/added later.mp3"),
        ("sidecar_changed", stranger),
        ("sidecar_unreadable", stranger),
        ("part_checksum", part),
    ]
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert part in rebuilt.stderr
    assert mended[:2] == (0, [])
    assert {row["key"]: (row["state"], row["reason"], row["attempts"]) for row in archive.rows()} == {
        row["key"]: (row["state"], row["reason"], row["attempts"]) for row in right
    } | {
        episodes[1]: ("failed", "foreign_sidecar", 0),
        episodes[5]: ("pending", "not_transcribed", 0),
        episodes[6]: ("failed", "foreign_sidecar", 0),
        "show 006/added later.mp3": ("pending", "not_transcribed", 0),
    }

    archive.run("backfill", archive.uri)

    paid = dict.fromkeys([*episodes, ODD], 1) | {episodes[5]: 2, "show 006/added later.mp3": 1}
    assert archive.bills_per_key() == paid
    assert verify(archive, "--deep")[:2] == (0, [])


def test_while_a_run_is_at_work_verify_goes_through_and_rebuild_waits(archive):
    archive.put_episodes(2)
    worker = archive.start_worker()
    archive.run("backfill", archive.uri)
    end(worker)
    new = archive.put_episodes(4)[2:]
    command = archive.start("backfill", archive.uri, NIGHTSCRIBE_RUN_WORKER_WAIT_S="600")
    eventually(lambda: archive.redis.llen(archive.queue) == 2, "the new ones are enqueued")

    during = archive.run("verify", archive.uri)
    refused = archive.run("manifest", "rebuild", archive.uri)
    archive.start_worker("w2")
    code = command.wait(90)

    assert during.returncode == 1
    assert [line.split()[0] for line in during.stdout.splitlines()][:2] == ["object_without_row"] * 2
    assert all(repr(key) in during.stdout for key in new)
    assert "is not finished" in during.stderr
    says(refused, 5, "is being dispatched")
    assert code == 0
    assert verify(archive)[:2] == (0, [])


def test_before_the_first_run_there_is_nothing_to_verify_and_rebuild_needs_no_redis(archive):
    episodes = archive.put_episodes(2)

    says(archive.run("verify", archive.uri), 2, "There is no manifest of", "nightscribe backfill", "manifest rebuild")
    rebuilt = archive.run("manifest", "rebuild", archive.uri, REDIS_URL="redis://127.0.0.1:9/0", FAL_KEY="")

    assert rebuilt.returncode == 0, rebuilt.stderr
    assert [(row["key"], row["state"]) for row in archive.rows()] == [(key, "pending") for key in episodes]
    assert verify(archive)[:2] == (0, [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verify"], ["s3://BUCKET/PREFIX"]),
        (["verify", "podcasts"], ["'podcasts'", "s3://BUCKET/PREFIX"]),
        (["verify", "s3://there-is-no-such-bucket/"], ["there-is-no-such-bucket"]),
        (["manifest", "rebuild", "s3://there-is-no-such-bucket/"], ["there-is-no-such-bucket"]),
        (["manifest", "rebuild", "podcasts"], ["'podcasts'", "s3://BUCKET/PREFIX"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_told(archive, words, message):
    says(archive.run(*words), 2, *message)
