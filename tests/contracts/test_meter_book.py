"""What both books of meters promise."""

from __future__ import annotations

import pytest

from pipeline.errors import ServiceUnavailableError
from pipeline.redis_server import connect
from pipeline.runs.memory_meters import MemoryMeterBook
from pipeline.runs.redis_meters import RedisMeterBook

ANSWERS = ("nightscribe_fal_answers_total", "submit", "2xx", "total")
RUN = ("nightscribe_fal_run_seconds", "fal-ai/whisper", "30.0")
RUN_SUM = ("nightscribe_fal_run_seconds", "fal-ai/whisper", "sum")


@pytest.fixture(params=["memory", "redis"])
def make(request):
    """Makes the book, or another hand on the same one."""
    if request.param == "memory":
        made = MemoryMeterBook()
        return lambda: made
    client, prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    return lambda: RedisMeterBook(client, key_prefix=prefix, account="default")


def test_it_is_empty_at_first(make):
    assert make().read() == {}


def test_what_all_workers_add_is_summed_up(make):
    make().add({ANSWERS: 3.0, RUN: 1.0, RUN_SUM: 12.25})
    make().add({ANSWERS: 4.0, RUN_SUM: 0.5})
    make().add({})

    assert make().read() == {ANSWERS: 7.0, RUN: 1.0, RUN_SUM: 12.75}


def test_small_amounts_add_up_over_a_long_time(make):
    book = make()
    for _ in range(300):
        book.add({RUN_SUM: 0.001})

    assert book.read()[RUN_SUM] == pytest.approx(0.3, abs=1e-9)


def test_names_of_any_script_come_back_as_they_were(make):
    series = ("nightscribe_settled_jobs_total", 'a"b', "ü,]", "", "total")

    make().add({series: 1.0})

    assert make().read() == {series: 1.0}


def test_accounts_are_counted_apart(redis_client, key_prefix):
    ours, theirs = (RedisMeterBook(redis_client, key_prefix=key_prefix, account=name) for name in ("ours", "theirs"))

    ours.add({ANSWERS: 1.0})

    assert theirs.read() == {}


def test_an_emptied_server_counts_from_zero(redis_client, key_prefix):
    book = RedisMeterBook(redis_client, key_prefix=key_prefix, account="default")
    book.add({ANSWERS: 5.0})
    redis_client.flushall()

    book.add({ANSWERS: 1.0})

    assert book.read() == {ANSWERS: 1.0}


def test_a_server_that_is_away_says_so():
    away = connect("redis://127.0.0.1:1/0", connect_timeout_s=0.2, socket_timeout_s=2)
    book = RedisMeterBook(away, key_prefix="k:", account="default")

    with pytest.raises(ServiceUnavailableError):
        book.add({ANSWERS: 1.0})
    with pytest.raises(ServiceUnavailableError):
        book.read()
    away.close()
