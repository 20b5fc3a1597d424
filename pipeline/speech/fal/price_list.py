"""Reads fal's price list for some endpoints, batch by batch and page by page (docs/fal.md section 11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from http import HTTPStatus

from pipeline.errors import ServiceUnavailableError
from pipeline.models import ListedPrice
from pipeline.speech.fal.platform import platform_refusal
from pipeline.speech.fal.prices import MAX_ENDPOINTS, parse_prices
from pipeline.speech.fal.wire import Reply, parse_json

_ACT = "The question to fal's price list"
_MAX_PAGES = 20  # fifty endpoints need one; a list that never ends must not hold a person up
_NOT_LISTED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})

Ask = Callable[[Mapping[str, str]], Awaitable[Reply]]
"""Asks for one page."""


async def ask_prices(ask: Ask, endpoint_ids: Sequence[str], today: date) -> list[ListedPrice]:
    """The prices of those of the endpoints that fal lists. Raises what refuses or prevents the question."""
    told: list[ListedPrice] = []
    for start in range(0, len(endpoint_ids), MAX_ENDPOINTS):
        told += await _batch(ask, endpoint_ids[start : start + MAX_ENDPOINTS], today)
    return told


async def _batch(ask: Ask, endpoint_ids: Sequence[str], today: date) -> list[ListedPrice]:
    query, told = {"endpoint_id": ",".join(endpoint_ids)}, list[ListedPrice]()
    for _ in range(_MAX_PAGES):
        reply = await ask(query)
        if reply.status in _NOT_LISTED:
            # One endpoint that fal does not know may spoil the answer for all: each is then asked for by itself.
            if len(endpoint_ids) == 1:
                return []
            return [price for each in endpoint_ids for price in await _batch(ask, [each], today)]
        prices, cursor = _page(reply, today)
        told += [price for price in prices if price.endpoint_id in endpoint_ids]
        if cursor is None:
            return told
        query = query | {"cursor": cursor}
    raise _unreadable("it has no end")


def _page(reply: Reply, today: date) -> tuple[list[ListedPrice], str | None]:
    if not reply.is_success:
        raise platform_refusal(reply, _ACT)
    try:
        page = parse_prices(parse_json(reply.content), today)
    except ValueError:
        page = None
    if page is None:
        raise _unreadable("its answer cannot be read")
    return page


def _unreadable(why: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"fal's price list was not understood: {why}. Try again later.")
