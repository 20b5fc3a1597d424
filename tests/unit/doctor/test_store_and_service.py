"""What is checked of S3, fal and the live state where no real server has the fault: on stand-ins."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import builders
import pytest

from pipeline.doctor import service
from pipeline.doctor.opening import Opened, opened
from pipeline.doctor.store import Store, credentials
from pipeline.errors import ServiceUnavailableError, UncertainError
from pipeline.models import Place
from pipeline.runs.base import StopOrder, WorkerSummary
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.storage.base import Columns, CredentialTerm, Listed, Page
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket=builders.BUCKET, prefix="shows/")


class OnePage(Page):
    """A page with these keys in this order."""

    next_token = None

    def __init__(self, *keys):
        self.rows = [Listed(key, "e", 5, builders.NOW.isoformat()) for key in keys]

    def columns(self):
        return Columns.of(self.rows)

    def pack(self):
        pass


def store(storage, status=206, start=b"", date=builders.NOW, **variables):
    return Store(
        storage,
        ARCHIVE,
        builders.OUTPUT,
        builders.settings(NIGHTSCRIBE_FAL_QUEUE_URL="http://127.0.0.1:9", **variables),
        lambda _: Opened(status, date, builders.NOW, start),
        lambda: builders.NOW,
    )


@pytest.fixture
def storage():
    made = MemoryStorage()
    made.put(builders.BUCKET, "shows/cover.jpg", b"image")
    made.put(builders.BUCKET, "shows/ep1.mp3", b"sound")
    return made


def test_a_listing_that_is_out_of_order_is_named_unless_it_is_known(storage, monkeypatch):
    monkeypatch.setattr(storage, "page", lambda *_, **__: OnePage("shows/a/1.mp3", "shows/a b.mp3"))

    seen = store(storage).lists()

    assert seen.verdict == "failed"
    assert "'shows/a/1.mp3' before 'shows/a b.mp3'" in seen.saw
    assert "NIGHTSCRIBE_S3_LISTS_IN_ORDER=false" in seen.advice
    assert store(storage, NIGHTSCRIBE_S3_LISTS_IN_ORDER="false").lists().verdict == "ok"


def test_an_empty_archive_is_a_warning_and_nothing_of_it_can_be_read():
    empty = store(MemoryStorage())

    assert empty.lists().verdict == "warning"
    assert empty.reads().verdict == empty.presigns().verdict == "not checked"
    assert empty.clock().verdict == "ok"


def test_a_recording_is_tried_rather_than_anything_else(storage):
    tried = store(storage)
    tried.lists()

    assert "ep1.mp3" in tried.reads().saw


@pytest.mark.parametrize(
    ("status", "start", "verdict", "words"),
    [
        (206, b"", "ok", "opens without credentials"),
        (200, b"", "ok", "opens without credentials"),
        (307, b"", "warning", "leads elsewhere (HTTP 307)"),
        (403, b"<Error><Code>AccessDenied</Code><Message>m</Message></Error>", "failed", "HTTP 403, AccessDenied"),
        (502, b"<html>", "failed", "HTTP 502, no reason"),
    ],
)
def test_a_presigned_url_is_judged_by_its_answer(storage, status, start, verdict, words):
    tried = store(storage, status, start)
    tried.lists()
    seen = tried.presigns()

    assert seen.verdict == verdict
    assert words in seen.saw


def test_no_presigned_url_is_opened_where_none_is_handed_out(storage):
    tried = store(storage, NIGHTSCRIBE_AUDIO_DELIVERY="upload")
    tried.lists()

    assert tried.presigns().verdict == "not checked"
    assert tried.delivers().verdict == "ok"


def test_a_store_without_a_clock_is_not_judged(storage):
    assert store(storage, date=None).clock().verdict == "not checked"
    assert store(storage, date=builders.NOW - timedelta(hours=1)).clock().verdict == "failed"


@pytest.mark.parametrize(
    ("term", "verdict", "words"),
    [
        (CredentialTerm(), "failed", "no AWS credentials"),
        (CredentialTerm(source="env"), "ok", "They come from env."),
        (CredentialTerm(is_temporary=True, source="env"), "ok", "do not tell their end"),
        (CredentialTerm(builders.NOW + timedelta(hours=1), True, True, "iam-role"), "ok", "renewed by themselves"),
        (CredentialTerm(builders.NOW + timedelta(hours=1), True, False, "env"), "ok", "end at 2026-11-22 03:00:00Z"),
        (CredentialTerm(builders.NOW, True, False, "env"), "failed", "expired"),
    ],
)
def test_credentials_are_told_by_their_source_and_end(term, verdict, words):
    seen = credentials(lambda: term, lambda: builders.NOW)

    assert seen.verdict == verdict
    assert words in seen.saw


class History:
    """A transcriber whose history answers so."""

    def __init__(self, error=None):
        self.error = error

    def find(self, *_, **__):
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, "ok"),
        (ServiceUnavailableError("Not all is shown yet.", "history_incomplete"), "ok"),
        (UncertainError("fal's request history cannot tell: HTTP 403. Look for it.", "history_unreadable"), "warning"),
    ],
)
def test_the_history_is_readable_when_it_answers(error, verdict):
    seen = service.history(History(error), builders.recipe(), builders.settings(), lambda: builders.NOW)

    assert seen.verdict == verdict


def test_a_history_that_is_kept_off_is_not_asked():
    settings = builders.settings(NIGHTSCRIBE_FAL_STORE_IO="false")

    assert service.history(History(AssertionError()), builders.recipe(), settings, lambda: builders.NOW).verdict == (
        "not checked"
    )


@pytest.fixture
def runs():
    return MemoryRuns(MemoryState(lambda: 0.0), dispatcher_lease_s=15, worker_lease_s=30)


def test_stuck_workers_and_those_of_other_versions_are_named(runs):
    assert service.workers(runs, "nightscribe/2").verdict == "warning"
    runs.show_worker(WorkerSummary("w1", 8, 3, software="nightscribe/2"))
    runs.show_worker(WorkerSummary("silent", 8, 0))
    assert service.workers(runs, "nightscribe/2").verdict == "ok"
    runs.show_worker(WorkerSummary("w2", 8, 0, software="nightscribe/1"))
    seen = service.workers(runs, "nightscribe/2")
    assert (seen.verdict, "nightscribe/1" in seen.saw) == ("warning", True)
    runs.show_worker(WorkerSummary("w3", 8, 0, is_stuck=True))
    seen = service.workers(runs, "nightscribe/2")
    assert (seen.verdict, "w3" in seen.saw, seen.advice) == ("failed", True, "Restart these.")


def test_an_order_to_stop_is_told(runs):
    assert service.open_runs(runs, builders.settings()).verdict == "ok"
    runs.stop(StopOrder("key_rejected", "fal refuses the key."))
    seen = service.open_runs(runs, builders.settings())

    assert (seen.verdict, "fal refuses the key." in seen.saw) == ("warning", True)


@pytest.mark.parametrize("url", ["http://hooks.example.org", "https://127.0.0.1:1"])
def test_a_webhook_that_fal_would_not_call_is_not_even_opened(url):
    settings = builders.settings(NIGHTSCRIBE_FAL_WAIT="webhook", NIGHTSCRIBE_FAL_WEBHOOK_URL=url)

    assert service.webhook(settings, lambda _: pytest.fail("opened")).verdict == "failed"


def test_a_url_that_does_not_open_is_never_quoted():
    url = "http://127.0.0.1:1/secret-path?X-Amz-Signature=secret"
    with pytest.raises(ServiceUnavailableError) as away:
        opened(url, what="A presigned URL", timeout_s=5)

    assert "secret" not in away.value.message
    assert "A presigned URL could not be opened" in away.value.message


def test_a_redirect_is_the_answer_and_nobody_goes_where_it_leads():
    asked = []

    class Leads(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302 if self.path == "/healthz" else 200)
            self.send_header("Location", "/login")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Leads) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        answer = opened(f"http://127.0.0.1:{server.server_port}/healthz", what="fal.webhook_url", timeout_s=20)
        server.shutdown()

    assert (answer.status, asked) == (302, ["/healthz"])
