"""What is judged of clocks, of Redis, of this machine and its settings, without reaching out."""

from __future__ import annotations

from datetime import timedelta
from importlib import metadata

import builders
import pytest

from pipeline.doctor import clock, local
from pipeline.doctor.redis_facts import RedisFacts
from pipeline.settings import load_settings


@pytest.mark.parametrize(
    ("skew_s", "refuses", "verdict", "word"),
    [
        (0, True, "ok", "0 s"),
        (60, True, "ok", "60 s"),
        (-61, True, "warning", "1 min 1 s behind"),
        (900, True, "warning", "15 min 0 s ahead"),
        (901, True, "failed", "15 min 1 s ahead"),
        (-901, True, "failed", "behind"),
        (901, False, "warning", "ahead"),
    ],
)
def test_clocks_may_differ_by_a_minute_and_s3_refuses_a_quarter_of_an_hour(skew_s, refuses, verdict, word):
    seen = clock.judged(builders.NOW + timedelta(seconds=skew_s), builders.NOW, "s3.example.org", refuses=refuses)

    assert seen.verdict == verdict
    assert word in seen.saw
    assert ("NTP" in seen.advice) == (verdict != "ok")


GOOD = {
    "redis_version": "7.2.4",
    "maxmemory": 1_000_000_000,
    "maxmemory_policy": "noeviction",
    "used_memory": 100_000_000,
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
}


def facts(round_trip_ms=1.0, **changes):
    return RedisFacts("redis.example.org:6379", GOOD | changes, [round_trip_ms] * 3 + [900], builders.NOW, builders.NOW)


@pytest.mark.parametrize(
    ("judge", "changes", "verdict", "words"),
    [
        ("reached", {}, "ok", "Redis 7.2.4 at redis.example.org:6379 answers in 1.0 ms"),
        ("reached", {"valkey_version": "9.1.2"}, "ok", "Valkey 9.1.2"),
        ("reached", {"redis_version": "6.2.0"}, "ok", "6.2.0"),
        ("reached", {"redis_version": "6.0.16"}, "failed", "6.2 or newer"),
        ("reached", {"redis_version": "5.0.7"}, "failed", "6.2 or newer"),
        ("reached", {"redis_version": None}, "failed", "unknown version"),
        ("reached", {"round_trip_ms": 51.0}, "warning", "one region"),
        ("eviction", {}, "ok", "noeviction"),
        ("eviction", {"maxmemory_policy": "volatile-lru"}, "failed", "CONFIG SET maxmemory-policy noeviction"),
        ("eviction", {"maxmemory_policy": "volatile-lru", "maxmemory": 0}, "warning", "maxmemory is not set"),
        ("persistence", {}, "ok", "append-only"),
        ("persistence", {"aof_enabled": 0}, "warning", "appendonly yes"),
        ("persistence", {"aof_last_write_status": "err"}, "failed", "disk"),
        ("memory", {}, "ok", "100.0 MB of 1000.0 MB"),
        ("memory", {"maxmemory": 0}, "ok", "no maxmemory"),
        ("memory", {"used_memory": 800_000_000}, "warning", "Raise maxmemory"),
    ],
)
def test_redis_is_judged_by_what_it_tells(judge, changes, verdict, words):
    seen = getattr(facts(**changes), judge)()

    assert seen.verdict == verdict
    assert words in f"{seen.saw} {seen.advice}"


def test_the_settings_as_delivered_fit_together():
    for profile in ("default", "local", "production"):
        assert local.settings_fit(load_settings({"NIGHTSCRIBE_PROFILE": profile})).verdict == "ok"


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"NIGHTSCRIBE_POLLING_MIN_S": "20"}, "polling.min_s"),
        ({"NIGHTSCRIBE_RETRY_BASE_S": "500"}, "retry.base_s"),
        ({"NIGHTSCRIBE_RUN_TICK_S": "10"}, "run.tick_s"),
        ({"NIGHTSCRIBE_FAL_WAIT_TIMEOUT_S": "60"}, "fal.start_timeout_s"),
        ({"NIGHTSCRIBE_LINT_WORDS_PER_MINUTE_MIN": "400"}, "[lint]"),
        ({"NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE": "true"}, "exclusivity_by_redis_alone"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(variables, word):
    seen = local.settings_fit(load_settings(variables))

    assert seen.verdict == "warning"
    assert word in seen.saw
    assert "1 differ" in seen.saw


REQUIRED = ["celery[redis]==5.7.0", "redis<9,>=8.1", "tzdata", 'duckdb>=1.4; extra == "query"']
INSTALLED = {"celery": "5.7.0", "redis": "8.1.0", "tzdata": "2025.2"}


def packages(**changes):
    installed = INSTALLED | changes

    def version_of(name):
        if installed.get(name) is None:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    return local.packages(lambda: REQUIRED, version_of)


@pytest.mark.parametrize("version", ["8.1", "8.1.0", "8.2.3", "8.10.0rc1"])
def test_packages_that_fit(version):
    seen = packages(redis=version)

    assert seen.verdict == "ok"
    assert "3 packages" in seen.saw


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"celery": "5.7.1"}, "celery is 5.7.1, not ==5.7.0"),
        ({"celery": "5.6.0"}, "celery is 5.6.0"),
        ({"redis": "9.0.0"}, "redis is 9.0.0"),
        ({"redis": "8.0.9"}, "redis is 8.0.9"),
        ({"tzdata": None}, "tzdata is missing"),
    ],
)
def test_packages_that_do_not_fit_are_named(changes, words):
    seen = packages(**changes)

    assert seen.verdict == "failed"
    assert words in seen.saw


def test_packages_of_a_bare_source_tree_are_not_judged():
    def required():
        raise metadata.PackageNotFoundError

    assert local.packages(required).verdict == "not checked"


@pytest.mark.parametrize(("free", "verdict"), [(5e9, "ok"), (1e9, "warning"), (5e7, "failed")])
def test_the_temporary_space(free, verdict):
    seen = local.temporary_space("/scratch", lambda _: int(free))

    assert seen.verdict == verdict
    assert "/scratch" in seen.saw
