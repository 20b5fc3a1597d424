"""How long AWS's credentials last: a presigned URL dies with the session that has signed it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pipeline.storage.base import CredentialTerm

# A source that hands out the session it has may be asked at every signing: once a minute is enough.
_RENEW_EVERY_S = 60.0
_FROM_VARIABLES = "env"  # botocore's own name for them: they are read anew, and never change while a process lives


class Term:
    """Looks at the credentials of one boto3 session, which `find` returns: None when there are none. Thread-safe.

    botocore knows when a session ends that it can renew itself (an instance's role, an assumed one, SSO), and tells it
    nowhere. Of a bare AWS_SESSION_TOKEN nobody knows, unless AWS_CREDENTIAL_EXPIRATION says so.
    """

    def __init__(self, find: Callable[[], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._tried_at: float | None = None
        self._is_same = True

    def look(self, at_least_s: float) -> CredentialTerm:
        """See `Storage.credential_term`. Raises what botocore raises when it cannot get credentials."""
        credentials = self._find()
        if credentials is None:
            return CredentialTerm()  # the first request says so
        frozen = credentials.get_frozen_credentials()  # the first look at some kinds fetches them
        ends_at = _ends_at(credentials)
        if ends_at is None:
            return CredentialTerm(is_temporary=bool(frozen.token), source=credentials.method)
        if credentials.method != _FROM_VARIABLES and _left_s(ends_at) < at_least_s:
            ends_at = self._renewed(credentials, ends_at)
        # A new session that is too short again is as long as its source makes them.
        return CredentialTerm(
            ends_at,
            is_temporary=True,
            renews=credentials.method != _FROM_VARIABLES and self._is_same,
            source=credentials.method,
        )

    def _renewed(self, credentials: Any, ends_at: datetime) -> datetime:
        with self._lock:
            now = self._clock()
            if self._tried_at is None or now - self._tried_at >= _RENEW_EVERY_S:
                self._tried_at = now
                with credentials._refresh_lock:  # noqa: SLF001  botocore has no other word for it
                    credentials._protected_refresh(is_mandatory=False)  # noqa: SLF001
                self._is_same = (_ends_at(credentials) or ends_at) <= ends_at
            return _ends_at(credentials) or ends_at


def _ends_at(credentials: Any) -> datetime | None:
    found: datetime | None = getattr(credentials, "_expiry_time", None)
    return found


def _left_s(ends_at: datetime) -> float:
    return (ends_at - datetime.now(UTC)).total_seconds()
