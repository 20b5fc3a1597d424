"""What a process counts until its heartbeat takes it: nothing is lost, twice there, or without end."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.meters import FAL_ANSWERS, FAL_RUN_S, METERS, SETTLED_USD, SLOW_DOWNS, SUM, TOTAL, Meters


def test_what_is_taken_is_gone_and_what_is_put_back_counts_on():
    meters = Meters()
    meters.count(FAL_ANSWERS, "submit", "2xx")
    meters.count(SETTLED_USD, "fal-ai/whisper", by=0.5)
    taken = meters.take()
    meters.count(FAL_ANSWERS, "submit", "2xx")

    meters.put_back(taken)

    assert meters.take() == {
        (FAL_ANSWERS.name, "submit", "2xx", TOTAL): 2,
        (SETTLED_USD.name, "fal-ai/whisper", TOTAL): 0.5,
    }
    assert meters.take() == {}


@given(st.floats(min_value=0, max_value=1e6))
def test_a_value_is_in_the_first_bucket_that_is_not_below_it(value):
    meters = Meters()
    meters.observe(FAL_RUN_S, value, "m")

    gathered = dict(meters.take())

    assert gathered.pop((FAL_RUN_S.name, "m", SUM)) == value
    ((series, count),) = gathered.items()
    bound = float(series[-1])
    assert count == 1
    assert value <= bound
    assert not [lower for lower in FAL_RUN_S.buckets if lower < bound and value <= lower]


def test_threads_lose_no_count():
    meters, taken = Meters(), []

    def count():
        for _ in range(2000):
            meters.count(SLOW_DOWNS)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.append(meters.take())
    taken.append(meters.take())

    assert sum(sum(part.values()) for part in taken) == 8000


@pytest.mark.parametrize(
    "text",
    [
        "https://s3.test/a.mp3?X-Amz-Signature=abc",
        "s3://podcasts/a.mp3",
        "two words",
        "é",
        "a\nb",
        "/absolute",
        "x" * 101,
    ],
)
def test_what_looks_like_no_name_is_other(text):
    meters = Meters()

    meters.count(FAL_ANSWERS, "submit", text)

    assert list(meters.take()) == [(FAL_ANSWERS.name, "submit", "other", TOTAL)]


def test_a_label_takes_so_many_values_and_no_more():
    """The error types of a service are its own affair, and Redis must not fill up with them."""
    meters = Meters()
    for number in range(1000):
        meters.count(FAL_ANSWERS, "submit", f"kind_{number}")

    gathered = meters.take()

    assert len(gathered) == 201
    assert gathered[FAL_ANSWERS.name, "submit", "other", TOTAL] == 800


def test_a_meter_insists_on_its_labels():
    with pytest.raises(ValueError, match="labels"):
        Meters().count(FAL_ANSWERS, "submit")


def test_buckets_rise():
    for meter in METERS:
        assert list(meter.buckets) == sorted(set(meter.buckets))
