"""What tests from outside share: an archive in which every secret is a canary and everything is told."""

from __future__ import annotations

import urllib.parse

import pytest
from canaries import REDIS_PASSWORD


@pytest.fixture
def guarded(archive):
    """An archive whose Redis asks for a password, as production's does; logs at their most talkative."""
    user = archive.bucket
    archive.redis.acl_setuser(
        user, enabled=True, passwords=[f"+{REDIS_PASSWORD}"], keys=["*"], channels=["*"], categories=["+@all"]
    )
    url = urllib.parse.urlsplit(archive.environment["REDIS_URL"])
    archive.environment["REDIS_URL"] = url._replace(netloc=f"{user}:{REDIS_PASSWORD}@{url.netloc}").geturl()
    archive.environment["NIGHTSCRIBE_LOGS_LEVEL"] = "DEBUG"
    archive.environment["NIGHTSCRIBE_RETRY_BASE_S"] = "0.1"
    # A reply that is lost for good is given up soon; what the history shows is found at the first looks.
    archive.environment["NIGHTSCRIBE_FAL_RECONCILE_PATIENCE_S"] = "10"
    yield archive
    archive.redis.acl_deluser(user)
