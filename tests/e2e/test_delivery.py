"""An archive whose audio fal gets by upload or from a public address; and one that it could not get at all."""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from archives import eventually, nothing_was_begun, says

pytestmark = [pytest.mark.e2e]

REAL_FAL = {"NIGHTSCRIBE_FAL_QUEUE_URL": "https://queue.fal.run", "NIGHTSCRIBE_FAL_PLATFORM_URL": ""}


def books(archive):
    """All that the emulator has in its books, of whatever archive."""
    with urllib.request.urlopen(f"{archive.servers.fal_url}/emulator/ledger") as answer:  # noqa: S310  loopback
        return json.load(answer)


@pytest.fixture
def news(archive):
    """What has come into the emulator's books since the test began."""
    before = books(archive)

    def since(book):
        return books(archive)[book][len(before[book]) :]

    return since


@contextmanager
def public_web(archive):
    """Serves the archive's bucket to everybody, as a CDN does; yields its address and what was asked for."""
    asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Public, archive, asked))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Public(BaseHTTPRequestHandler):
    def __init__(self, archive, asked, *connection):
        self.archive, self.asked = archive, asked
        super().__init__(*connection)

    def do_GET(self):
        self.asked.append(self.path)
        body = self.archive.read(unquote(urlsplit(self.path).path).removeprefix("/"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def test_an_archive_that_fal_cannot_reach_is_uploaded(archive, news):
    episodes = archive.put_episodes(3, "shows/Ünter uns %20/")
    archive.start_worker(NIGHTSCRIBE_LOGS_LEVEL="DEBUG")

    outcome = archive.run("backfill", archive.uri, "--delivery", "upload")

    assert outcome.returncode == 0, outcome.stderr
    assert len(news("files")) == len(news("bills")) == 3
    assert {file["life_s"] for file in news("files")} == {3600.0}, "audio.presign_expiry_s of the profile"
    assert sorted(file["size_bytes"] for file in news("files")) == sorted(len(archive.read(key)) for key in episodes)
    paths = [line["audio_path"] for line in news("accepted")]
    assert len(set(paths)) == 3
    assert all(path.startswith("/files/") for path in paths)
    assert books(archive)["keys_given_away"] == 0
    told = archive.log() + outcome.stdout + outcome.stderr + "".join(map(str, map(archive.sidecar, episodes)))
    assert not [path for path in paths if path in told], "whoever knows the path can read the audio"


def test_an_archive_that_everybody_may_read_is_fetched_from_its_public_address(archive):
    episodes = archive.put_episodes(2, "shows/Ünter uns/")
    with public_web(archive) as (address, asked):
        public = {"NIGHTSCRIBE_AUDIO_PUBLIC_URL": f"{address}/{{key}}"}
        archive.start_worker(**public)

        outcome = archive.run("backfill", archive.uri, "--delivery", "public", **public)

        assert outcome.returncode == 0, outcome.stderr
    assert {row["state"] for row in archive.rows()} == {"done"}
    assert sorted(unquote(urlsplit(path).path) for path in asked) == sorted(f"/{key}" for key in episodes)
    assert len({urlsplit(path).query for path in asked}) == 2


def test_one_recording_is_uploaded(archive, news):
    (key,) = archive.put_episodes(1)

    outcome = archive.run("transcribe", f"{archive.uri}{key}", "--delivery", "upload")

    assert outcome.returncode == 0, outcome.stderr
    assert len(outcome.stdout.split()) >= 12
    assert [len(news(book)) for book in ("files", "bills")] == [1, 1]


def test_a_store_that_fal_cannot_reach_is_refused_before_anything_is_asked_or_paid(archive):
    (key,) = archive.put_episodes(1)

    says(archive.run("backfill", archive.uri, **REAL_FAL), 2, "127.0.0.1", "--delivery upload")
    nothing_was_begun(archive)
    says(archive.run("transcribe", f"{archive.uri}{key}", **REAL_FAL), 2, "127.0.0.1", "--delivery upload")


def test_a_public_delivery_without_an_address_is_refused(archive):
    archive.put_episodes(1)

    says(archive.run("backfill", archive.uri, "--delivery", "public"), 2, "audio.public_url")
    nothing_was_begun(archive)


def test_a_delivery_says_nothing_about_a_url(archive):
    outcome = archive.run("transcribe", "https://example.org/ep1.mp3", "--delivery", "upload")

    assert outcome.returncode == 2
    assert "--delivery" in outcome.stderr


def test_the_version_that_was_looked_at_is_the_one_that_fal_gets(archive):
    """The object is replaced while its request waits in fal's queue."""
    archive.client.put_bucket_versioning(Bucket=archive.bucket, VersioningConfiguration={"Status": "Enabled"})
    (key,) = archive.put_episodes(1)
    planned = archive.client.head_object(Bucket=archive.bucket, Key=key)["VersionId"]
    archive.fault({"on": "download", "do": {"hold_s": 3.0}, "times": 1})
    archive.start_worker()
    run = archive.start("backfill", archive.uri)
    eventually(archive.intents, "the job is submitted")

    archive.put(key, b"another recording, which is no audio at all")

    run.wait(60)
    assert archive.bills_per_key() == {key: 1}, "fal has read the old version, which is audio"
    (row,) = archive.rows()
    assert (row["state"], row["reason"]) == ("failed", "stale")
    assert planned != archive.client.head_object(Bucket=archive.bucket, Key=key)["VersionId"]
