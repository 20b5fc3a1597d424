"""Odd keys on real servers, from upload to manifest and back: each is transcribed, found and explained (I10)."""

from __future__ import annotations

import json
import shlex

import pytest
from archives import all_of
from legal_keys import KEPT_BY_SEAWEEDFS as ODD_KEYS
from legal_keys import LONG_IN_PARTS as LONG

from emulator.archive.crowd import small_objects
from pipeline.keys import MAX_KEY_BYTES, SIDECAR_SUFFIX

pytestmark = [pytest.mark.e2e]


def too_long(room):
    """A key that S3 takes, whose sidecar's key is `room` bytes too long."""
    names = "/".join(letter * 200 for letter in "defg")
    return f"{names}/{'h' * (MAX_KEY_BYTES - len(SIDECAR_SUFFIX) + room - len(names) - 5)}.mp3"


@pytest.fixture
def episodes(archive):
    """All of these keys in the archive; the last one is as long as can be."""
    keys = [*ODD_KEYS, LONG, too_long(0)]
    for key, (_, body) in zip(keys, small_objects(len(keys)), strict=True):
        archive.put(key, body)
    return keys


def test_each_odd_key_is_transcribed_once_and_found_again(archive, episodes):
    unfit = too_long(1)
    archive.put(unfit, b"never opened")
    assert len(LONG.encode()) == 900
    archive.start_worker()

    first = archive.run("backfill", archive.uri, "--formats", "vtt")

    assert first.returncode == 1, first.stderr
    rows = {row["key"]: row for row in archive.rows()}
    assert list(rows) == sorted([*episodes, unfit], key=str.encode)
    failed = rows.pop(unfit)
    assert (failed["state"], failed["reason"]) == ("failed", "key_too_long")
    assert failed["message"] == (
        f"{archive.uri}{unfit} has a key too long for a sidecar beside it: S3 allows 1,024 bytes. Use a shorter key."
    )
    assert {row["state"] for row in rows.values()} == {"done"}, [row["message"] for row in rows.values()]
    assert len(set(all_of(rows.values(), "request_id"))) == len(episodes)
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    for key, row in rows.items():
        sidecar = archive.sidecar(key)
        assert (sidecar["object"]["key"], sidecar["request"]["request_id"]) == (key, row["request_id"])
        assert row["sidecar_key"] == f"{key}.transcript.json"
        assert archive.read(f"{key}.vtt").startswith(b"WEBVTT")
    assert archive.intents() == []

    second = archive.run("backfill", archive.uri)

    assert second.returncode == 0, second.stderr
    assert f"{len(episodes) + 1} skipped" in second.stdout
    assert len(archive.ledger()["accepted"]) == len(episodes)


def test_an_odd_key_is_shown_explained_and_verified_under_its_own_name(archive, episodes):
    unfit = too_long(1)
    archive.put(unfit, b"never opened")
    archive.start_worker()
    archive.run("backfill", archive.uri)

    for key in (ODD_KEYS[3], ODD_KEYS[5], ODD_KEYS[6], LONG):
        uri = f"{archive.uri}{key}"
        shown, explained = archive.run("show", uri), archive.run("explain", uri, "--json")
        assert shown.returncode == explained.returncode == 0, shown.stderr + explained.stderr
        assert shown.stdout.splitlines()[0] == uri
        told = json.loads(explained.stdout)
        assert (told["uri"], told["stands"], told["row"]["key"]) == (uri, "done", key)
        assert shlex.quote(uri) in told["next"]

    told = json.loads(archive.run("explain", f"{archive.uri}{unfit}", "--json").stdout)
    assert (told["stands"], told["row"]["reason"]) == ("failed", "key_too_long")
    verified = archive.run("verify", archive.uri, "--deep")
    assert verified.returncode == 0, verified.stdout


def test_an_odd_prefix_is_an_archive_of_its_own(archive, episodes):
    """As a prefix, a whole name and a half one: each has its own manifest, and what one has done the other knows."""
    archive.start_worker()

    runs = [
        archive.run("backfill", f"{archive.uri}{prefix}") for prefix in ("émoji 🎙️/", "émoji", "cafe\u0301", "#hash?")
    ]

    assert [run.returncode for run in runs] == [0] * 4, [run.stderr for run in runs]
    done = [key for key in episodes if key.startswith(("émoji", "cafe\u0301", "#hash?"))]
    assert len(done) == 3
    assert archive.bills_per_key() == dict.fromkeys(done, 1)
    told = json.loads(archive.run("plan", f"{archive.uri}#hash?", "--json").stdout)
    assert (told["jobs"], told["skips"]) == (0, {"current": 1})
