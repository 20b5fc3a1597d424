"""The poll schedule and the learned speed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.settings.records import PollingSettings
from pipeline.speech.fal.polling import LearnedSpeed, PollSchedule

shares = st.floats(0.0, 1.0)
seconds = st.floats(0.0, 1e6)


@st.composite
def schedules(draw):
    least = draw(st.floats(0.01, 5.0))
    settings = PollingSettings(
        min_s=least,
        max_s=least + draw(st.floats(0.0, 60.0)),
        webhook_max_s=least + draw(st.floats(0.0, 600.0)),
        growth=draw(st.floats(0.001, 1.0)),
        first_share=draw(shares),
    )
    expected = draw(st.none() | seconds)
    luck = draw(shares)
    return PollSchedule(settings, expected, draw=lambda: luck)


@given(schedules(), seconds, st.integers(0, 1000))
def test_a_request_that_fal_calls_back_for_is_looked_at_rarely_and_never_later_than_promised(
    schedule, elapsed_s, failures
):
    rare, settings = replace(schedule, is_called_back=True), schedule.settings
    delays = (rare.first_s(elapsed_s), rare.delay_s(elapsed_s), rare.after_failures_s(elapsed_s, failures))

    assert all(0 <= delay <= settings.webhook_max_s for delay in delays)
    assert rare.delay_s(elapsed_s) >= 0.9 * settings.webhook_max_s


@given(schedules(), seconds)
def test_after_a_notice_looks_come_soon_and_then_ever_later(schedule, elapsed_s):
    rare = replace(schedule, is_called_back=True)
    delays = [rare.after_notice_s(elapsed_s, looks) for looks in range(40)]

    assert delays[0] <= 1.1 * schedule.settings.min_s
    assert delays == sorted(delays)
    assert delays[-1] == rare.delay_s(elapsed_s)


@given(schedules(), seconds, st.integers(0, 1000))
def test_no_delay_is_longer_than_the_maximum_or_negative(schedule, elapsed_s, failures):
    delays = (
        schedule.first_s(elapsed_s),
        schedule.delay_s(elapsed_s),
        schedule.after_failures_s(elapsed_s, failures),
    )

    assert all(0 <= delay <= schedule.settings.max_s for delay in delays)


@given(schedules(), seconds)
def test_after_the_expected_time_a_finished_request_is_noticed_within_its_share_of_lateness(schedule, elapsed_s):
    """Lateness is bounded by the larger of the minimum and the share of the time waited, plus the jitter."""
    settings = schedule.settings
    if schedule.expected_s is not None and elapsed_s < settings.first_share * schedule.expected_s:
        return

    assert schedule.delay_s(elapsed_s) <= 1.1 * max(settings.min_s, settings.growth * elapsed_s) + 1e-9


@given(schedules(), seconds)
def test_looks_are_never_a_busy_loop(schedule, elapsed_s):
    assert schedule.delay_s(elapsed_s) >= min(0.9 * schedule.settings.min_s, schedule.settings.max_s)


@given(schedules())
def test_a_request_older_than_expected_is_looked_at_at_once(schedule):
    assert schedule.first_s(1e9) == 0.0


def test_the_first_look_waits_for_the_share_of_the_expected_time():
    settings = PollingSettings(min_s=0.5, max_s=100.0, webhook_max_s=100.0, growth=0.1, first_share=0.7)

    assert PollSchedule(settings, 60.0, draw=lambda: 0.5).first_s(2.0) == pytest.approx(40.0)


def test_an_endpoint_learns_its_speed_and_follows_a_change():
    speed = LearnedSpeed()
    assert speed.expected_s("a/b", 60.0) is None

    speed.learn("a/b", 100.0, 10.0)
    assert speed.expected_s("a/b", 60.0) == pytest.approx(6.0)
    assert speed.expected_s("other/b", 60.0) is None
    assert speed.expected_s("a/b", None) is None

    for _ in range(50):
        speed.learn("a/b", 100.0, 50.0)
    assert speed.expected_s("a/b", 60.0) == pytest.approx(30.0, rel=0.01)


@pytest.mark.parametrize(("audio_s", "took_s"), [(None, 1.0), (0.0, 1.0), (-1.0, 1.0), (1.0, None), (1.0, -1.0)])
def test_senseless_measures_teach_nothing(audio_s, took_s):
    speed = LearnedSpeed()

    speed.learn("a/b", audio_s, took_s)

    assert speed.expected_s("a/b", 60.0) is None


def test_many_threads_teach_one_speed():
    speed = LearnedSpeed()
    threads = [threading.Thread(target=speed.learn, args=("a/b", 10.0, 5.0)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert speed.expected_s("a/b", 10.0) == pytest.approx(5.0)
