"""How long AWS's credentials last, as far as botocore knows; those that end too soon are renewed first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.credentials import Credentials, DeferredRefreshableCredentials, RefreshableCredentials

from pipeline.storage.s3_credentials import Term

NEEDED_S = 7200.0


class Source:
    """Hands out sessions of these lengths, one after the other; the last one is handed out again as it is."""

    def __init__(self, *lengths_s):
        self.ends = [datetime.now(UTC) + timedelta(seconds=length) for length in lengths_s]
        self.asked = 0

    def metadata(self):
        ends_at = self.ends[min(self.asked, len(self.ends) - 1)]
        self.asked += 1
        return {"access_key": "a", "secret_key": "s", "token": "t", "expiry_time": ends_at.isoformat()}

    def credentials(self):
        return RefreshableCredentials.create_from_metadata(self.metadata(), self.metadata, "iam-role")


class Clock:
    """Stands still until it is moved."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def look(credentials, needed_s=NEEDED_S):
    return Term(lambda: credentials).look(needed_s)


def test_a_key_of_its_own_never_ends():
    term = look(Credentials("a", "s"))

    assert (term.ends_at, term.is_temporary, term.renews) == (None, False, False)


def test_without_credentials_the_first_request_says_so():
    assert look(None).ends_at is None


def test_of_a_bare_session_token_nobody_knows_when_it_ends():
    term = look(Credentials("a", "s", "token"))

    assert (term.ends_at, term.is_temporary) == (None, True)


def test_a_session_that_is_long_enough_is_left_as_it_is():
    source = Source(NEEDED_S + 600)

    term = look(source.credentials())

    assert (term.ends_at, source.asked) == (source.ends[0], 1)


def test_a_session_that_ends_too_soon_is_renewed_first():
    source = Source(NEEDED_S - 600, 4 * NEEDED_S)

    term = look(source.credentials())

    assert (term.ends_at, source.asked) == (source.ends[1], 2)


def test_a_source_that_hands_out_the_same_session_will_replace_it_later():
    """As an instance's role does until shortly before the end."""
    source = Source(NEEDED_S - 600)

    term = look(source.credentials())

    assert (term.ends_at, term.renews) == (source.ends[0], True)


def test_a_new_session_that_is_too_short_again_is_as_long_as_they_get():
    source = Source(1800, 3600)

    term = look(source.credentials())

    assert (term.ends_at, term.renews) == (source.ends[1], False)


def test_a_source_is_asked_once_a_minute_however_much_is_signed():
    source, clock = Source(NEEDED_S - 600), Clock()
    credentials = source.credentials()
    term = Term(lambda: credentials, clock)

    for _ in range(50):
        assert term.look(NEEDED_S).renews
    assert source.asked == 2
    clock.now_s += 61
    term.look(NEEDED_S)
    assert source.asked == 3


def test_a_source_that_fails_leaves_the_session_as_it_is():
    source = Source(NEEDED_S - 600)
    credentials = source.credentials()

    def fail():
        raise OSError("away")

    credentials._refresh_using = fail

    assert look(credentials).ends_at == source.ends[0]


def test_credentials_that_are_fetched_on_demand_are_fetched():
    source = Source(NEEDED_S + 600)

    term = look(DeferredRefreshableCredentials(source.metadata, "assume-role"))

    assert term.ends_at == source.ends[0]


@pytest.mark.parametrize("seconds", [600, 4 * NEEDED_S])
def test_a_session_from_the_variables_ends_when_they_say_and_is_never_replaced(monkeypatch, seconds):
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends_at.isoformat())

    # botocore renews them itself within a quarter of an hour of their end, and finds the same.
    term = Term(boto3.session.Session().get_credentials).look(NEEDED_S)

    assert (term.ends_at, term.is_temporary, term.renews) == (ends_at, True, False)
