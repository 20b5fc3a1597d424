"""What both notice boards promise, and how a worker process hears of what is posted."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.errors import ServiceUnavailableError
from pipeline.redis_server import connect
from pipeline.runs.memory_notices import MemoryNoticeBoard
from pipeline.runs.notices import Notice, NoticeBoard, Notices
from pipeline.runs.redis_notices import MOST_PER_TOKEN, RedisNoticeBoard

PATIENCE_S = 20.0  # for what comes within a moment
TOKEN = "job.token"
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@dataclass
class World:
    """An implementation, and its server if it has one."""

    board: NoticeBoard
    client: Any = None


@pytest.fixture(params=["memory", "redis"])
def world(request) -> World:
    if request.param == "memory":
        return World(MemoryNoticeBoard())
    client = request.getfixturevalue("redis_client")
    return World(RedisNoticeBoard(client, key_prefix=request.getfixturevalue("key_prefix"), keep_s=60), client)


@pytest.fixture
def board(world) -> NoticeBoard:
    return world.board


@pytest.fixture
def hear(board):
    """Lets a slot wait for a request; gives the event that is set when it is told."""
    notices = Notices(board)

    def wait_for(request_id):
        told = threading.Event()
        return told, notices.on_notice(request_id, told.set)

    yield wait_for
    notices.close()


def notice(request_id="r1", token=TOKEN) -> Notice:
    return Notice(token=token, request_id=request_id, status="OK", at=AT)


def test_what_is_posted_is_there_under_its_token(board):
    assert board.of("job.token") == []

    assert board.post(notice())

    assert board.of("job.token") == [notice()]
    assert board.of("job.other") == []
    assert (board.is_posted("r1"), board.is_posted("r2")) == (True, False)


def test_a_repeat_is_told_as_one_and_changes_nothing(board):
    board.post(notice())

    assert not board.post(notice())
    assert board.of("job.token") == [notice()]


def test_a_request_stays_with_its_first_token(board):
    board.post(notice())

    assert not board.post(notice(token="job.other"))
    assert board.of("job.other") == []


def test_who_has_learned_a_token_cannot_fill_the_server_nor_push_out_what_was_there(board):
    board.post(notice("true"))
    for number in range(3 * MOST_PER_TOKEN):
        board.post(notice(f"false-{number}"))

    assert len(board.of("job.token")) == MOST_PER_TOKEN
    assert board.of("job.token")[0] == notice("true")


@pytest.mark.parametrize("was_posted", [True, False])
def test_after_a_job_has_its_row_late_copies_are_repeats(board, was_posted):
    if was_posted:
        board.post(notice())
    board.settle("r1")

    assert not board.post(notice())
    assert board.is_posted("r1")


def test_the_news_begin_after_the_marker(board):
    board.post(notice("before"))
    marker = board.marker()
    board.post(notice("r1"))
    board.post(notice("r2", "job.other"))

    marker, told = board.news(marker, 1)
    later, nothing = board.news(marker, 0.001)

    assert (told, nothing, later) == (["r1", "r2"], [], marker)


def test_a_waiting_slot_is_told_when_the_notice_comes(board, hear):
    ours, _ = hear("r1")
    other, _ = hear("r2")

    board.post(notice())

    assert ours.wait(PATIENCE_S)
    assert not other.is_set()


def test_a_notice_that_came_before_the_wait_is_not_missed(board, hear):
    board.post(notice())

    told, _ = hear("r1")

    assert told.wait(PATIENCE_S)


def test_two_slots_that_wait_for_one_request_are_both_told(board, hear):
    first, second = hear("r1")[0], hear("r1")[0]

    board.post(notice())

    assert first.wait(PATIENCE_S)
    assert second.wait(PATIENCE_S)


def test_who_waits_no_more_is_not_told(board, hear):
    gone, forget = hear("r1")
    stays, _ = hear("r1")
    forget()

    board.post(notice())

    assert stays.wait(PATIENCE_S)
    assert not gone.is_set()


@pytest.mark.parametrize("world", ["redis"], indirect=True)
def test_what_is_kept_expires_and_that_of_a_finished_job_soon(world, key_prefix):
    world.board.post(notice())
    kept_ms = [world.client.pttl(f"{key_prefix}{key}") for key in ("noticed:r1", "notices:job.token")]
    long = RedisNoticeBoard(world.client, key_prefix=key_prefix, keep_s=86_400)
    long.post(notice("r2"))
    long.settle("r2")
    settled_ms = world.client.pttl(f"{key_prefix}noticed:r2")

    assert all(0 < each <= 60_000 for each in kept_ms)
    assert 0 < settled_ms <= 600_000


@pytest.mark.parametrize("world", ["redis"], indirect=True)
def test_a_server_that_was_emptied_tells_of_what_comes_next(world, hear):
    first, _ = hear("r1")
    world.board.post(notice())
    assert first.wait(PATIENCE_S)
    second, _ = hear("r2")

    world.client.flushall()
    world.board.post(notice("r2"))

    assert second.wait(PATIENCE_S)


def test_a_server_that_is_away_raises_nothing_at_the_wait(away_client, key_prefix):
    notices = Notices(RedisNoticeBoard(away_client, key_prefix=key_prefix, keep_s=60))

    forget = notices.on_notice("r1", lambda: None)

    forget()
    notices.close()


def test_what_was_posted_while_the_server_was_away_is_told_afterwards(redis_client, key_prefix, valkey_url):
    """The listener begins against a server that does not answer; then it does, and the notice is there already."""
    board = RedisNoticeBoard(redis_client, key_prefix=key_prefix, keep_s=60)
    is_away = threading.Event()
    is_away.set()
    began = threading.Event()

    class Flaky(RedisNoticeBoard):
        def marker(self):
            began.set()
            if is_away.is_set():
                raise ServiceUnavailableError("away")
            return super().marker()

        def is_posted(self, request_id):
            if is_away.is_set():
                raise ServiceUnavailableError("away")
            return super().is_posted(request_id)

    told = threading.Event()
    with closing(connect(valkey_url, connect_timeout_s=5, socket_timeout_s=10)) as client:
        notices = Notices(Flaky(client, key_prefix=key_prefix, keep_s=60))
        notices.on_notice("r1", told.set)
        assert began.wait(PATIENCE_S)
        board.post(notice())
        is_away.clear()

        is_told = told.wait(PATIENCE_S)
        notices.close()

    assert is_told
