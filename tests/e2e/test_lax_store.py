"""A store that ignores conditional writes: found out before anything is paid, and only used knowingly."""

from __future__ import annotations

import boto3
import pytest
from archives import Archive, nothing_was_begun, says
from s3_stores import S3Proxy, moto_store

pytestmark = [pytest.mark.e2e]

ACCEPTED = {"NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE": "true"}


@pytest.fixture
def lax(servers, tmp_path):
    """An archive on moto, behind a proxy that takes the conditions out of every request."""
    with moto_store() as moto, S3Proxy(moto["AWS_ENDPOINT_URL"], {"if-match", "if-none-match"}) as proxy:
        archive = Archive(servers, tmp_path)
        archive.environment |= moto | {"AWS_ENDPOINT_URL": proxy.url}
        archive.client = boto3.client(
            "s3",
            endpoint_url=proxy.url,
            region_name="us-east-1",
            aws_access_key_id=moto["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=moto["AWS_SECRET_ACCESS_KEY"],
        )
        archive.at = proxy.url.removeprefix("http://")
        with archive:
            yield archive


def test_a_run_over_a_store_that_ignores_conditions_is_refused_before_anything_begins(lax):
    lax.put_episodes(2)

    outcome = lax.run("backfill", lax.uri)

    says(outcome, 2, lax.at, "If-None-Match and If-Match", "pay for", "NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE=true")
    nothing_was_begun(lax)


def test_a_run_that_accepts_it_warns_every_time_and_does_its_work(lax):
    first, second = lax.put_episodes(2)
    lax.start_worker(**ACCEPTED)

    runs = [lax.run("backfill", lax.uri, "--include", key, **ACCEPTED) for key in (first, second)]

    for run in runs:
        assert run.returncode == 0, run.stderr
        (warning,) = [line for line in run.stderr.splitlines() if line.startswith("WARNING: ")]
        assert lax.at in warning
        assert "s3.exclusivity_by_redis_alone" in warning
    assert lax.bills_per_key() == {first: 1, second: 1}
    assert not [key for key in lax.keys("_nightscribe/") if "probe" in key]


def test_a_run_without_jobs_asks_the_store_nothing(lax):
    """What is done is known from the listing: no probe, and so no warning."""
    lax.put_episodes(1)
    lax.start_worker(**ACCEPTED)
    lax.run("backfill", lax.uri, **ACCEPTED)

    again = lax.run("backfill", lax.uri)

    assert again.returncode == 0, again.stderr
    assert "WARNING" not in again.stderr
