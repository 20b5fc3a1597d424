"""Captions and texts of an archive made from its sidecars on real servers; other people's parsers judge (I8, I10)."""

from __future__ import annotations

import io
import json
import signal
from datetime import UTC, datetime, timedelta

import pysubs2
import pytest
import webvtt
from archives import end, eventually, says
from legal_keys import KEPT_BY_SEAWEEDFS, LONG_IN_PARTS

from emulator.archive.crowd import small_objects

pytestmark = [pytest.mark.e2e]

ALL = ["--formats", "vtt,srt,txt,json"]
SUFFIXES = [".vtt", ".srt", ".txt", ".podcast.json"]


def render(archive, *words, **env):
    """The exit code, the troubles as kind and key, and the summary."""
    outcome = archive.run("render", archive.uri, "--json", *words, REDIS_URL="redis://127.0.0.1:9/0", FAL_KEY="", **env)
    assert "Traceback" not in outcome.stderr
    *told, last = [json.loads(line) for line in outcome.stdout.splitlines()]
    return outcome.returncode, [(one["trouble"], one["key"]) for one in told], last["summary"]


def counts(transcripts, written, unchanged, foreign=0, unreadable=0):
    return {
        "transcripts": transcripts,
        "written": written,
        "unchanged": unchanged,
        "foreign": foreign,
        "unreadable": unreadable,
    }


def versions(archive):
    """When each file of the archive was written. S3 tells seconds: this one is over when it returns."""
    pages = archive.client.get_paginator("list_objects_v2").paginate(Bucket=archive.bucket)
    found = {entry["Key"]: (entry["ETag"], entry["LastModified"]) for page in pages for entry in page["Contents"]}
    next_s = max(written for _, written in found.values()) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) >= next_s, "what is written from now on has another time")
    return found


def what_is_said(archive, key):
    """The words of each format, as its parser reads them."""
    read = {suffix: archive.read(key + suffix).decode() for suffix in SUFFIXES}
    captions = webvtt.from_buffer(io.StringIO(read[".vtt"])).captions
    events = pysubs2.SSAFile.from_string(read[".srt"], format_="srt").events
    return {
        "vtt": " ".join(caption.text for caption in captions).split(),
        "srt": " ".join(event.text.replace("\\N", " ") for event in events).split(),
        "txt": read[".txt"].split(),
        "json": " ".join(part["body"] for part in json.loads(read[".podcast.json"])["segments"]).split(),
    }


def test_an_archive_without_captions_gets_them_all_once_and_odd_keys_too(archive):
    episodes = [*KEPT_BY_SEAWEEDFS, LONG_IN_PARTS]
    for key, (_, body) in zip(episodes, small_objects(len(episodes)), strict=True):
        archive.put(key, body)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    paid = archive.bills_per_key()
    before = versions(archive)

    first = render(archive, *ALL)
    made = versions(archive)
    second = render(archive, *ALL)

    number = len(episodes)
    assert first == (0, [], counts(number, 4 * number, 0))
    assert second == (0, [], counts(number, 0, 4 * number))
    assert versions(archive) == made
    assert {key: made[key] for key in before} == before
    assert set(made) - set(before) == {key + suffix for key in episodes for suffix in SUFFIXES}
    for key in episodes:
        words = archive.sidecar(key)["text"].split()
        assert what_is_said(archive, key) == dict.fromkeys(("vtt", "srt", "txt", "json"), words)
    types = {
        suffix: archive.client.head_object(Bucket=archive.bucket, Key=episodes[0] + suffix)["ContentType"]
        for suffix in SUFFIXES
    }
    assert types == {
        ".vtt": "text/vtt; charset=utf-8",
        ".srt": "application/x-subrip; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".podcast.json": "application/json",
    }
    assert archive.bills_per_key() == paid
    assert archive.run("verify", archive.uri).returncode == 0
    assert archive.run("backfill", archive.uri).returncode == 0
    assert archive.bills_per_key() == paid


def test_only_what_differs_is_written_and_what_others_wrote_is_named(archive):
    episodes = archive.put_episodes(5)
    archive.start_worker()
    archive.run("backfill", archive.uri, "--formats", "vtt,json")
    made = versions(archive)
    corrected, stranger, broken, lost, _ = episodes
    sidecar = archive.sidecar(corrected)
    sidecar["segments"] = [{"start": 0, "end": 1, "text": "Corrected by hand.", "speaker": None, "words": None}]
    archive.put(f"{corrected}.transcript.json", json.dumps(sidecar).encode())
    archive.put(f"{stranger}.vtt", b"mine")
    archive.put(f"{broken}.transcript.json", b"not a transcript")
    archive.client.delete_object(Bucket=archive.bucket, Key=f"{lost}.podcast.json")

    outcome = render(archive, "--formats", "vtt,json")

    assert outcome[0] == 1
    assert sorted(outcome[1]) == sorted(
        [("foreign_file", f"{stranger}.vtt"), ("sidecar_unreadable", f"{broken}.transcript.json")]
    )
    # Of the corrected one both files, and the one that was deleted; the other files are current.
    assert outcome[2] == counts(5, 3, 4, foreign=1, unreadable=1)
    now = versions(archive)
    changed = {key for key in now if now[key] != made.get(key)}
    assert changed == {
        *(f"{corrected}{end}" for end in (".transcript.json", ".vtt", ".podcast.json")),
        f"{stranger}.vtt",
        f"{broken}.transcript.json",
        f"{lost}.podcast.json",
    }
    assert archive.read(f"{stranger}.vtt") == b"mine"
    assert "Corrected by hand." in archive.read(f"{corrected}.vtt").decode()
    assert archive.read(f"{corrected}.transcript.json") == json.dumps(sidecar).encode()


def test_interrupted_it_says_so_and_goes_on_when_it_is_run_again(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    body = archive.read(f"{key}.transcript.json")
    for number in range(250):
        archive.put(f"many/{number:03d}.mp3.transcript.json", body)

    command = archive.start("render", archive.uri, *ALL)
    eventually(lambda: len(archive.keys("many/")) > 350, "some files are written")
    code = end(command, signal.SIGINT)
    there = sum(name.endswith(tuple(SUFFIXES)) for name in versions(archive))
    again = render(archive, *ALL)

    assert code == 130, archive.log("command.log")
    assert "Interrupted." in archive.log("command.log")
    assert "Traceback" not in archive.log("command.log")
    assert there < 4 * 251
    assert again == (0, [], counts(251, 4 * 251 - there, there))


def test_results_in_another_place_are_rendered_there(archive):
    (key,) = archive.put_episodes(1)
    output = f"{archive.uri}results/"
    archive.start_worker()
    archive.run("backfill", archive.uri, "--output", output)

    assert render(archive, *ALL, "--output", output) == (0, [], counts(1, 4, 0))
    assert archive.read(f"results/{key}.vtt").startswith(b"WEBVTT")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["podcasts", *ALL], ["'podcasts'", "s3://BUCKET/PREFIX"]),
        (["s3://b/"], ["--formats"]),
        (["s3://b/", "--formats", "vtt,pdf"], ["'pdf'", "json, srt, txt, vtt"]),
        (["s3://there-is-no-such-bucket/", *ALL], ["there-is-no-such-bucket"]),
    ],
    ids=["no address", "no formats", "unknown format", "no bucket"],
)
def test_a_mistake_is_told(archive, words, message):
    says(archive.run("render", *words), 2, *message)


def test_before_anything_is_transcribed_there_is_nothing_to_render(archive):
    archive.put_episodes(1)

    says(archive.run("render", archive.uri, *ALL), 2, "There are no transcripts of", "nightscribe backfill")
