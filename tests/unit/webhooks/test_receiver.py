"""The receiver answers: what is signed is noted once, what is not is refused, and what cannot be noted is put off."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
import structlog
from webhook_vectors import REQUEST_ID, Sender, ok_body

from pipeline.errors import ServiceUnavailableError
from pipeline.runs.memory_notices import MemoryNoticeBoard
from pipeline.webhooks.app import Receiver
from pipeline.webhooks.keyring import KeyRing

TOKEN = f"{'a1' * 20}.0123456789abcdef-_XYZ"
SENDER = Sender()


class House:
    """A receiver with its board, spoken to as an ASGI application."""

    def __init__(self) -> None:
        self.board = MemoryNoticeBoard()
        self.is_away = False
        self.fetch = lambda: [SENDER.public]

    def alive(self) -> None:
        if self.is_away:
            raise ServiceUnavailableError("The Redis server at redis:6379 does not answer.")

    def post(self, body=None, path=f"/hooks/{TOKEN}", headers=None, at_s=None, **changes) -> int:
        """The code that a message is answered with; signed, unless headers are given."""
        body = ok_body(**changes) if body is None else body
        if headers is None:
            headers = SENDER.headers(body, at_s=time.time() if at_s is None else at_s)
        return self.ask("POST", path, content=body, headers=headers).status_code

    def ask(self, method, path, **options) -> httpx.Response:
        async def send():
            receiver = Receiver(self.board, KeyRing(self.fetch), self.alive, max_body_bytes=100_000)
            transport = httpx.ASGITransport(receiver.app())
            async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def noted(self, token=TOKEN) -> list[tuple[str, str]]:
        return [(notice.request_id, notice.status) for notice in self.board.of(token)]


@pytest.fixture
def house():
    return House()


def test_what_is_signed_is_noted_under_its_token(house):
    assert house.post() == 200
    assert house.noted() == [(REQUEST_ID, "OK")]


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/a/b/c/{TOKEN}"])
def test_a_proxy_may_have_any_path_before_the_token(house, path):
    assert house.post(path=path) == 200
    assert house.noted() == [(REQUEST_ID, "OK")]


def test_a_failure_is_noted_too(house):
    assert house.post(status="ERROR", error="Invalid status code: 422", payload={"detail": []}) == 200
    assert house.noted() == [(REQUEST_ID, "ERROR")]


def test_repeats_are_taken_and_change_nothing(house):
    assert [house.post() for _ in range(3)] == [200, 200, 200]
    assert house.noted() == [(REQUEST_ID, "OK")]


def test_a_request_stays_with_the_token_that_it_came_with_first(house):
    other = f"{'b2' * 20}.another-nonce-of-ours"
    house.post()

    assert house.post(path=f"/{other}") == 200
    assert house.noted(other) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"headers": {}}, 401),
        ({"at_s": 1.0}, 401),
        ({"headers": SENDER.headers(b"other", at_s=time.time())}, 401),
        ({"body": b"no json"}, 400),
        ({"request_id": "another-one"}, 400),
        ({"status": "COMPLETED"}, 400),
        ({"payload": "x" * 100_000}, 413),
        ({"path": "/"}, 404),
        ({"path": "/job"}, 404),
        ({"path": f"/{'g' * 40}.0123456789abcdef"}, 404),
        ({"path": f"/{TOKEN}/"}, 404),
        ({"path": f"/{TOKEN}%0a"}, 404),
    ],
)
def test_what_is_not_of_fal_or_not_for_us_is_refused_and_not_noted(house, message, code):
    assert house.post(**message) == code
    assert house.noted() == []


def test_an_unsigned_body_is_not_even_read(house):
    async def drip():
        raise AssertionError("it was read")
        yield b""

    assert house.ask("POST", f"/{TOKEN}", content=drip()).status_code == 401


def test_when_redis_is_away_fal_is_asked_to_send_it_again(house, monkeypatch):
    def post(_notice):
        raise ServiceUnavailableError("away")

    monkeypatch.setattr(house.board, "post", post)

    assert house.post() == 503


def test_when_the_keys_cannot_be_had_fal_is_asked_to_send_it_again(house):
    def fetch():
        raise ServiceUnavailableError("away")

    house.fetch = fetch

    assert house.post() == 503
    assert house.noted() == []


def test_health_is_that_of_redis(house):
    well = house.ask("GET", "/healthz").status_code
    house.is_away = True

    assert (well, house.ask("GET", "/healthz").status_code) == (200, 503)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nothing_else_is_answered(house, method):
    assert house.ask(method, f"/{TOKEN}").status_code in {404, 405}


def test_every_message_is_one_line_without_token_signature_or_transcript(house):
    with structlog.testing.capture_logs() as lines:
        house.post(payload={"text": "swordfish"})
        house.post()
        house.post(headers={}, body=b"swordfish")

    assert [line["event"] for line in lines] == ["webhook_noted", "webhook_repeated", "webhook_refused"]
    assert "swordfish" not in str(lines)
    assert TOKEN.partition(".")[2] not in str(lines)
