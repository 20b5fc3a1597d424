"""The webhook, against a real HTTP server."""

from __future__ import annotations

import pytest
from hook_listener import SECRET_PATH, Listener
from run_ends import run_end

from pipeline.notify.webhook import WebhookNotifier


def tell(listener, **options):
    return WebhookNotifier(listener.url, timeout_s=options.get("timeout_s", 10)).tell(run_end())


def test_a_message_is_posted_once():
    with Listener((200, {}, "ok")) as listener:
        assert tell(listener) is None

        assert listener.paths == [SECRET_PATH]
        (message,) = listener.messages
        assert set(message) == {"text", "blocks"}


@pytest.mark.parametrize("status", [201, 204])
def test_every_success_is_one(status):
    with Listener((status, {}, "")) as listener:
        assert tell(listener) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, {}, "invalid_blocks"), ["HTTP 400", "(invalid_blocks)"]),
        ((404, {}, f"no hook at {SECRET_PATH}"), ["HTTP 404"]),
        ((500, {}, "x" * 100_000), ["HTTP 500"]),
        ((302, {"Location": "/elsewhere"}, ""), ["HTTP 302", "Redirects are not followed"]),
    ],
)
def test_a_refusal_is_said_without_the_address(answer, words):
    with Listener(answer) as listener:
        said = tell(listener)

    assert len(listener.paths) == 1
    assert [word for word in words if word not in said] == []
    assert not any(part in said for part in ("SECRET", "swordfish", "127.0.0.1"))


def test_who_is_asked_to_wait_tries_once_more():
    with Listener((429, {"Retry-After": "0"}, ""), (200, {}, "ok")) as listener:
        assert tell(listener) is None
        assert len(listener.paths) == 2


def test_and_no_more_than_once():
    with Listener((429, {"Retry-After": "0"}, "")) as listener:
        assert "HTTP 429" in tell(listener)
        assert len(listener.paths) == 2


def test_a_wait_that_is_longer_than_the_night_has_patience_ends_with_it():
    with Listener((429, {"Retry-After": "3600"}, "")) as listener:
        assert "within 0.5 s (notify.timeout_s)" in tell(listener, timeout_s=0.5)


def test_a_server_that_never_answers_is_left():
    with Listener() as listener:
        listener.held.clear()

        assert "within 0.2 s (notify.timeout_s)" in tell(listener, timeout_s=0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/swordfish", "http://no-such-host.invalid/swordfish"])
def test_a_server_that_is_not_there_is_said_without_its_address(url):
    said = WebhookNotifier(url, timeout_s=20).tell(run_end())

    assert "could not be reached" in said
    assert "swordfish" not in said
