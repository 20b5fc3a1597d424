"""What a backfill will take: bit rates and speed out of the last manifest, bounds, and time."""

from __future__ import annotations

from collections import Counter
from datetime import date
from types import SimpleNamespace

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import pricing
from pipeline.blocks import BLOCK_ROWS, LooseRows
from pipeline.forecast import Decided, Experience, Interval, KnownLengths, forecast
from pipeline.manifest.overlay import loose
from pipeline.models import Price, Skip, SkipReason, State

PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local", NIGHTSCRIBE_LIMITS_CONCURRENCY="4")
KINDS = PRICED.audio.assumed_kbps
ENDPOINT = "fal-ai/whisper"
TODAY = date(2026, 11, 23)
AN_HOUR = 43_200_000  # bytes at the 96 kbps that are assumed of an MP3
STEP = 2 ** (1 / 16)


def row(key="a.mp3", *, audio_s=3600.0, size_bytes=AN_HOUR, **changes):
    facts = {"duration_s": audio_s, "size_bytes": size_bytes, "processing_s": 100.0, "endpoint_id": ENDPOINT}
    return builders.remembered(builders.row(key, **facts | changes))


def experience_of(rows):
    experience = Experience(ENDPOINT, KINDS)
    known = list(loose(rows))
    assert list(experience.watched(known)) == known
    return experience


def decided_of(*jobs):
    decided = Decided(KINDS)
    for job in jobs:
        decided.add(job)
    return decided


def a_job(key="a.mp3", size_bytes=AN_HOUR, planned_as="new"):
    return builders.job(builders.audio(key, size_bytes=size_bytes), planned_as=planned_as)


def forecast_of(*jobs, rows=(), under=PRICED, **options):
    last = SimpleNamespace(run_id="run0", parts=(), totals=SimpleNamespace(objects=0)) if rows else None
    options = {"endpoint_id": ENDPOINT, "formats": 0, "asked": {}, "last": last} | options
    options.setdefault("price", pricing.price_of(under, options["endpoint_id"]))
    return forecast(decided_of(*jobs), experience_of(rows), under, **options)


def test_without_experience_hours_lie_between_half_and_twice_of_the_usual():
    expected = forecast_of(a_job())

    assert expected.total.audio_s == pytest.approx((1800.0, 3600.0, 7200.0))
    assert expected.total.cost_usd == pytest.approx((0.035, 0.07, 0.14))
    assert expected.audio_basis == "mp3 assumed by usual bit rates, half to twice"


def test_what_was_measured_counts_before_what_is_assumed():
    """Nine tenths at half the assumed rate, one tenth at twice: the mean is of both."""
    rows = [row(f"{n:02}.mp3", audio_s=7200.0) for n in range(36)] + [row(f"{n}.mp3", audio_s=1800.0) for n in range(4)]

    expected = forecast_of(a_job(), a_job("b.ogg"), rows=rows)

    mp3 = expected.total.audio_s.likely - 3600.0
    assert mp3 == pytest.approx(0.9 * 7200 + 0.1 * 1800)
    assert expected.audio_basis == (
        "mp3 measured on 40 recordings in run run0; ogg assumed by usual bit rates, half to twice"
    )


def test_a_few_recordings_say_nothing_about_a_spread():
    assert experience_of([row()] * 19).s_per_byte("mp3") is None
    assert experience_of([row()] * 20).s_per_byte("mp3") is not None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.floats(0.1, 1e5)), min_size=20, max_size=60))
def test_the_bounds_are_the_tenth_and_the_ninetieth_percentile_by_size(recordings):
    s_per_byte = experience_of(row(size_bytes=size, audio_s=audio_s) for size, audio_s in recordings).s_per_byte("mp3")

    mean = sum(audio_s for _, audio_s in recordings) / sum(size for size, _ in recordings)
    low, high = (percentile(recordings, share) for share in (0.1, 0.9))
    assert s_per_byte.likely == pytest.approx(mean)
    assert s_per_byte.low <= s_per_byte.likely <= s_per_byte.high
    assert min(low, mean) / (STEP * 1.0001) <= s_per_byte.low <= min(low, mean) * 1.0001
    assert max(high, mean) / 1.0001 <= s_per_byte.high <= max(high, mean) * STEP * 1.0001


def percentile(recordings, share):
    """The rate below which that share of all bytes lies, without any histogram."""
    total, below = sum(size for size, _ in recordings), 0
    for rate, size in sorted((audio_s / size, size) for size, audio_s in recordings):
        below += size
        if below >= share * total:
            return rate
    return rate


def test_of_many_blocks_a_part_of_the_rows_stands_for_all():
    """The first 32 at one rate, four times as many more at another: the first do not count for more."""
    first = 32 * BLOCK_ROWS
    rows = [row(audio_s=1000.0)] * first + [row(audio_s=2000.0)] * (4 * first)

    experience = experience_of(rows)

    assert experience.s_per_byte("mp3").likely * AN_HOUR == pytest.approx(1800.0)
    assert experience.recordings(["mp3"]) == first + 4 * first // 32


def test_an_archive_with_a_rhythm_of_its_own_is_learned_from_all_the_same():
    """Every eighth block is of another bit rate, and every fourth row of it of yet another."""
    others = [row(audio_s=4000.0) if number % 4 else row(audio_s=2000.0) for number in range(BLOCK_ROWS)]
    period = [others, *[[row(audio_s=1000.0)] * BLOCK_ROWS] * 7]
    rows = [each for _ in range(36) for block in period for each in block]

    s_per_byte = experience_of(rows).s_per_byte("mp3")

    assert s_per_byte.likely * AN_HOUR == pytest.approx((3500.0 + 7 * 1000.0) / 8, rel=0.02)


@pytest.mark.parametrize(
    "useless",
    [
        {"state": State.FAILED},
        {"audio_s": None},
        {"audio_s": 0.0},
        {"size_bytes": 0},
        {"key": "a.unheard-of"},
    ],
)
def test_a_row_that_tells_no_bit_rate_is_passed_over(useless):
    experience = experience_of([row(audio_s=7200.0)] * 20 + [row(**useless)] * 20)

    assert experience.s_per_byte("mp3").likely == pytest.approx(7200 / AN_HOUR)
    assert experience.s_per_byte("unheard-of") is None


def test_speed_is_that_of_the_same_model():
    rows = [row(processing_s=120.0)] * 20 + [row(processing_s=1.0, endpoint_id="fal-ai/wizper")] * 20

    experience = experience_of(rows)

    assert (experience.speed, experience.timed_recordings) == (pytest.approx(30.0), 20)
    assert experience_of(rows[20:]).speed is None
    assert experience_of([row(processing_s=None)] * 20).speed is None


def test_without_experience_time_is_that_of_the_assumed_speed():
    time = forecast_of(*[a_job()] * 8).time

    assert time.takes_s == pytest.approx((8 * 1800 / 20 / 4, 8 * 3600 / 20 / 4, 8 * 7200 / 20 / 4))
    assert (time.speed, time.at_once, time.basis) == (20.0, 4, "assumed: forecast.assumed_speed")


def test_one_recording_is_not_divided_among_requests():
    time = forecast_of(a_job()).time

    assert time.takes_s.likely == pytest.approx(3600 / 20)
    assert time.at_once == 1


def test_the_longest_recording_keeps_the_run_open():
    jobs = [a_job(size_bytes=10 * AN_HOUR), *[a_job(size_bytes=AN_HOUR // 10)] * 8]

    assert forecast_of(*jobs).time.takes_s.likely == pytest.approx(36_000 / 20)


def test_nothing_is_faster_than_the_rate_of_submissions():
    slow = builders.settings(NIGHTSCRIBE_LIMITS_SUBMITS_PER_S="0.01")

    assert forecast_of(*[a_job(size_bytes=1)] * 5, under=slow).time.takes_s == (500.0, 500.0, 500.0)


def test_a_measured_speed_has_the_wait_of_the_surplus_in_it():
    """Four requests run and two wait, so each takes half as long again: six at once at the speed that was seen."""
    time = forecast_of(*[a_job()] * 12, rows=[row(processing_s=180.0)] * 20).time

    assert time.speed == pytest.approx(20.0)
    assert time.at_once == 6
    assert time.takes_s.likely == pytest.approx(12 * 3600 / 20 / 6)
    assert time.takes_s.high == pytest.approx(12 * 3600 / 20 / 4, rel=0.05)
    assert time.basis == "measured on 20 recordings in run run0"


def test_what_was_paid_for_before_is_told_apart():
    expected = forecast_of(a_job(), a_job("b.mp3", planned_as="current"), paid_before={"current"})

    assert (expected.total.jobs, expected.again.jobs) == (2, 1)
    assert expected.again.cost_usd.likely == pytest.approx(expected.total.cost_usd.likely / 2)


def test_without_a_price_there_are_hours_and_no_cost():
    expected = forecast_of(a_job(), endpoint_id="some/model")

    assert expected.total.cost_usd is None
    assert expected.total.audio_s.likely == pytest.approx(3600.0)
    assert "no price is known" in expected.cost_basis


def test_whole_minutes_cost_up_to_a_minute_more_for_each_recording():
    price = Price(endpoint_id=ENDPOINT, usd_per_audio_hour=0.6, rounded_up_to_s=60.0, listed_on=TODAY)

    exact, rounded = (forecast_of(*[a_job()] * 10, price=of) for of in (None, price))

    low, likely, high = (seconds / 6000 for seconds in exact.total.audio_s)
    assert rounded.total.cost_usd == pytest.approx((low, likely + 0.05, high + 0.1))
    assert "whole 60 s" in rounded.cost_basis


def test_a_known_length_has_no_bounds():
    decided = Decided(KINDS)
    decided.add(a_job(planned_as="current"), 5000.0)

    expected = forecast(
        decided,
        experience_of(()),
        PRICED,
        endpoint_id=ENDPOINT,
        price=None,
        formats=0,
        asked={},
        last=None,
        paid_before={"current"},
    )

    assert expected.total.audio_s == (5000.0, 5000.0, 5000.0)
    assert expected.time.takes_s == (250.0, 250.0, 250.0)


keys = st.lists(st.integers(0, 30).map("{:02}.mp3".format), unique=True).map(sorted)


@settings(deadline=None)
@given(
    keys,
    st.dictionaries(st.integers(0, 30).map("{:02}.mp3".format), st.sampled_from(["job", "changed", "skip"])),
    st.integers(1, 5),
)
def test_a_length_is_known_where_the_row_is_of_the_same_recording(remembered, found, few):
    """Against a dictionary; and no more than a few rows stay when their turn is over."""
    lengths = KnownLengths(few)
    known = lengths.watched(LooseRows([row(key, audio_s=float(key[:2]) + 1)]) for key in remembered)
    passed = set()
    for key, what in sorted(found.items()):
        while len(passed) < len(remembered) and remembered[len(passed)] <= key:
            passed.update(row.key for row in next(known).rows())  # the plan has read as far
        etag = "e2" if what == "changed" else "e1"
        job = builders.job(builders.audio(key, size_bytes=AN_HOUR, etag=etag))
        decision = Skip(SkipReason.CURRENT, row(key)) if what == "skip" else job

        known_s = lengths.of(decision)

        assert known_s == (float(key[:2]) + 1 if what == "job" and key in remembered else None)
        assert len(lengths._waiting) <= few


def test_the_length_of_a_row_that_was_unpacked_alone_is_known_too():
    lengths = KnownLengths()
    (known,) = lengths.watched([LooseRows([row(f"{number}.mp3", audio_s=10.0 + number) for number in range(3)])])

    known.some([1])

    assert lengths.of(builders.job(builders.audio("1.mp3", size_bytes=AN_HOUR))) == 11.0
    assert (known.count, known.last_key, known.block) == (3, "2.mp3", None)


def test_endings_of_keys_take_no_room():
    """A list of keys may name anything; kinds without a bit rate of their own are one."""
    decided = decided_of(*(a_job(f"a.{number}") for number in range(100)))

    assert decided.jobs_as["new"].by_kind == Counter({"": 100 * AN_HOUR})


@pytest.mark.parametrize(
    ("decision", "has_news"),
    [
        (a_job(), True),
        (Skip(SkipReason.CURRENT, row()), False),
        (Skip(SkipReason.GONE, row()), True),
        (Skip(SkipReason.EMPTY_OBJECT, builders.row(state=State.FAILED)), True),
    ],
)
def test_a_manifest_is_written_when_something_differs_from_the_last(decision, has_news):
    decided = decided_of(decision)

    assert decided.has_news is has_news
    assert decided.objects == (decision[0] is not SkipReason.GONE if isinstance(decision, Skip) else 1)


def test_intervals_add_and_stretch():
    assert Interval(1.0, 2.0, 3.0).plus(Interval(1.0, 1.0, 1.0)).times(2.0) == (4.0, 6.0, 8.0)
