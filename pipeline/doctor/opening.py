"""Opens a URL as somebody without credentials does: fal with a presigned one, fal with our webhook's."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pipeline.errors import ServiceUnavailableError

_FIRST_BYTES = 2048  # an error of S3 fits, and of a recording one is enough


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer. `date` is the server's clock, when it told it."""

    status: int
    date: datetime | None
    our_time: datetime
    start: bytes
    """The first bytes; of an error its text."""


class _Unled(urllib.request.HTTPRedirectHandler):
    """A redirect is the answer: fal does not follow those of a webhook, and where it leads nobody has looked at."""

    def redirect_request(self, *_: object) -> None:
        """None: the redirect is raised as `HTTPError`."""


_OPENER = urllib.request.build_opener(_Unled)


def opened(url: str, *, what: str, timeout_s: float) -> Opened:
    """Asks for the first byte, and follows no redirect.

    Raises `ServiceUnavailableError`, which names `what` and never the URL (I9).
    """
    try:
        request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})  # noqa: S310  http(s): signed, or validated
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return _told(answer.status, answer.headers.get("Date"), answer.read(1))
    except urllib.error.HTTPError as error:
        with error:
            return _told(error.code, error.headers.get("Date"), error.read(_FIRST_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Only the kind of failure: texts of these libraries may quote the URL.
        said = getattr(error, "reason", None)
        kind = type(said if isinstance(said, Exception) else error).__name__
        raise ServiceUnavailableError(f"{what} could not be opened from this machine ({kind}).") from None


def _told(status: int, date: str | None, start: bytes) -> Opened:
    ours = datetime.now(UTC)
    try:
        theirs = parsedate_to_datetime(date) if date else None
    except ValueError:
        theirs = None
    if theirs is not None and theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return Opened(status, theirs, ours, start)
