"""fal's request history: finds a request whose reply was lost, and the row of one that the queue has forgotten.

Nothing here was ever tried against fal (docs/fal.md sections 11 and 13), so doubt is never taken for "not there". Rows
hold presigned URLs and whole transcripts: nothing of them is logged, kept, or quoted in an error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from pipeline.errors import ServiceUnavailableError, ThrottledError
from pipeline.keys import url_hash as hash_of
from pipeline.models import PaidRequest
from pipeline.speech.fal.addresses import request_urls
from pipeline.speech.fal.endpoints import check_endpoint_id
from pipeline.speech.fal.faults import history_refusal, history_unreadable
from pipeline.speech.fal.history_page import Page, Row, parse_page
from pipeline.speech.fal.wire import Reply, parse_json

CLOCK_MARGIN = timedelta(minutes=2)
"""Clocks of workers and of fal differ by less; also how long a payload may take to be stored after the end."""
LIMIT = 100  # rows per page, fal's maximum
MAX_PAGES = 100
"""Ten thousand requests since one submission. With payloads they are a gigabyte; whoever sends more must look it up."""


PAGE_TRIES = 5
"""A search may need dozens of pages, and begins anew when one of them fails: each page must be likely to come."""


class History:
    """Asks page by page. `ask` sends one question; `queue_url` is where an adopted request is followed. Thread-safe.

    A page that fails is asked for again, after `pause_s` and then twice as long each time.
    """

    def __init__(self, ask: Callable[[Mapping[str, str]], Reply], queue_url: str, pause_s: float) -> None:
        self._ask = ask
        self._queue_url = queue_url
        self._pause_s = pause_s
        # A page is up to a hundred whole answers, some megabytes: a process holds one at a time.
        self._one_page = threading.Lock()

    def find(
        self, endpoint_id: str, url_hash: str, *, since: datetime, until: datetime | None, exclude: Collection[str]
    ) -> PaidRequest | None:
        """The request that was submitted with the URL of that hash; see `Transcriber.find`."""
        check_endpoint_id(endpoint_id)
        now = datetime.now(UTC)
        blank = pending = 0
        for row in self._rows(_question(endpoint_id, since, min(now, until or now))):
            if row.request_id in exclude:
                continue
            if row.audio_url is None:
                if row.sent_at is not None and row.sent_at < since - CLOCK_MARGIN:
                    continue
                is_settled = row.is_over and (row.ended_at is None or row.ended_at < now - CLOCK_MARGIN)
                blank, pending = blank + is_settled, pending + (not is_settled)
            elif hash_of(row.audio_url) == url_hash:
                return self._adopted(row, endpoint_id, since)
        if blank:
            raise history_unreadable(
                f"the input of {blank} requests to {endpoint_id} is not stored, and one may be ours"
            )
        if pending:
            raise ServiceUnavailableError(
                f"fal's request history does not show the input of {pending} requests to {endpoint_id} yet, and one of "
                "them may be ours. It is asked again.",
                reason="history_incomplete",
            )
        return None

    def row(self, request: PaidRequest) -> Row | None:
        """The row of a known request, with its payloads as far as they are stored; None when there is none.

        Raises what `find` raises when the history cannot or does not answer.
        """
        query = _question(request.endpoint_id, request.submitted_at, datetime.now(UTC))
        rows = self._rows(query | {"request_id": request.request_id})
        ours = [row for row in rows if row.request_id == request.request_id]
        return max(ours, key=lambda row: (row.output is not None, row.is_over), default=None)

    def _adopted(self, row: Row, endpoint_id: str, since: datetime) -> PaidRequest:
        if row.request_id is None:
            raise history_unreadable(f"it shows the request to {endpoint_id} without an id that could be followed")
        urls = request_urls(self._queue_url, endpoint_id, row.request_id)
        submitted_at = row.sent_at or since
        return PaidRequest(request_id=row.request_id, endpoint_id=endpoint_id, submitted_at=submitted_at, **urls)

    def _rows(self, query: dict[str, str]) -> Iterator[Row]:
        cursors: set[str] = set()
        for _ in range(MAX_PAGES):
            page = self._page(query)
            yield from page.rows
            if page.next_cursor is None:
                return
            if page.next_cursor in cursors:
                raise history_unreadable("its pages go round in a circle")
            cursors.add(page.next_cursor)
            query = query | {"cursor": page.next_cursor}
        raise history_unreadable(f"it has more than {MAX_PAGES * LIMIT} requests since the submission")

    def _page(self, query: Mapping[str, str]) -> Page:
        for attempt in range(1, PAGE_TRIES):
            try:
                return self._ask_once(query)
            except (ServiceUnavailableError, ThrottledError) as error:
                if error.delay_s is not None:
                    raise  # the whole job is put off for as long as was asked
                time.sleep(self._pause_s * 2 ** (attempt - 1))
        return self._ask_once(query)

    def _ask_once(self, query: Mapping[str, str]) -> Page:
        with self._one_page:
            reply = self._ask(query)
            if not reply.is_success:
                raise history_refusal(reply)
            try:
                body = parse_json(reply.content)
            except ValueError:
                raise ServiceUnavailableError(
                    "An answer of fal's request history was cut short or is no JSON. It is asked again.",
                    reason="unreadable_history",
                ) from None
            page = parse_page(body, LIMIT)
        if page is None:
            raise history_unreadable("its answer has an unknown shape")
        return page


def _question(endpoint_id: str, since: datetime, until: datetime) -> dict[str, str]:
    # It is not documented whether `start` and `end` mean the submission, the start or the end of a request. A margin on
    # both sides holds for all three.
    return {
        "endpoint_id": endpoint_id,
        "start": _iso(since - CLOCK_MARGIN),
        "end": _iso(until + CLOCK_MARGIN),
        "expand": "payloads",
        "limit": str(LIMIT),
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
