"""The Platform API beside the request history: prices, bills, deletion, addresses (docs/fal.md section 11)."""

import json
import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.fal.entrance import Entrance
from emulator.fal.gate import Gate
from emulator.fal.ledger import Bill, Ledger
from emulator.fal.models import ENDPOINTS
from emulator.fal.queries import BadQueryError, endpoints_in, moment_in, names_in, platform_error
from emulator.fal.queue import FalQueue

LONGEST_SPAN_S = 90 * 86_400.0
DAY_S = 86_400.0
MAX_REQUEST_IDS = 50


class UnitQuantity(BaseModel):
    """How many units of a model are wanted."""

    unit_quantity: float = Field(ge=0)


class CallQuantity(BaseModel):
    """How many calls of a model are wanted."""

    call_quantity: int = Field(ge=0)


class UnitEstimate(BaseModel):
    """The question what so many units cost."""

    estimate_type: Literal["unit_price"]
    endpoints: dict[str, UnitQuantity] = Field(min_length=1)


class HistoricalEstimate(BaseModel):
    """The question what so many calls have cost so far."""

    estimate_type: Literal["historical_api_price"]
    endpoints: dict[str, CallQuantity] = Field(min_length=1)


class Estimate(BaseModel):
    """Either question."""

    wish: Annotated[UnitEstimate | HistoricalEstimate, Field(discriminator="estimate_type")]


class Platform:
    """What api.fal.ai answers to the key. Bills are of the emulator's own ledger."""

    def __init__(self, queue: FalQueue, entrance: Entrance, gate: Gate, ledger: Ledger) -> None:
        self._queue = queue
        self._entrance = entrance
        self._gate = gate
        self._ledger = ledger

    def routes(self) -> list[Route]:
        """Paths of the platform host."""
        return [
            Route("/v1/models/pricing", self.pricing, methods=["GET"]),
            Route("/v1/models/pricing/estimate", self.estimate, methods=["POST"]),
            Route("/v1/models/billing-events", self.billing_events, methods=["GET"]),
            Route("/v1/models/requests/{request_id}/payloads", self.delete_payloads, methods=["DELETE"]),
            Route("/v1/meta", self.meta, methods=["GET"]),
        ]

    async def pricing(self, http: Request) -> Response:
        """The prices of the endpoints that are named; one that is not known makes it 404."""
        if self._entrance.owner(http, "pricing") is None:
            return _unauthorised()

        def act() -> Response:
            try:
                names = endpoints_in(http)
            except BadQueryError as error:
                return platform_error(400, "invalid_request_error", str(error))
            unknown = [name for name in names if name not in ENDPOINTS]
            if unknown:
                return platform_error(404, "not_found", f"Model not found: {', '.join(unknown)}")
            return JSONResponse({"prices": [_price(name) for name in names], "next_cursor": None, "has_more": False})

        return await self._gate.pass_through("pricing", act)

    async def estimate(self, http: Request) -> Response:
        """What units cost at list price, or calls at the average of this account's bills."""
        owner = self._entrance.owner(http, "pricing")
        if owner is None:
            return _unauthorised()
        try:
            wish = Estimate.model_validate({"wish": json.loads(await http.body())}).wish
        except (ValidationError, ValueError) as error:
            return platform_error(400, "invalid_request_error", str(error))
        unknown = [name for name in wish.endpoints if name not in ENDPOINTS]
        if unknown:
            return platform_error(404, "not_found", f"Model not found: {', '.join(unknown)}")
        if isinstance(wish, UnitEstimate):
            costs = [_unit_price(name) * quantity.unit_quantity for name, quantity in wish.endpoints.items()]
        else:
            costs = [self._mean_cost(name, owner) * calls.call_quantity for name, calls in wish.endpoints.items()]
        return JSONResponse({"estimate_type": wish.estimate_type, "total_cost": sum(costs), "currency": "USD"})

    async def billing_events(self, http: Request) -> Response:
        """The account's bills, the last one first; all on one page."""
        owner = self._entrance.owner(http, "billing_events")
        if owner is None:
            return _unauthorised()
        now = time.time()
        try:
            start = moment_in(http, "start", now - DAY_S)
            end = moment_in(http, "end", now)
        except BadQueryError as error:
            return platform_error(400, "invalid_request_error", str(error))
        asked, endpoints = names_in(http, "request_id"), names_in(http, "endpoint_id")
        if end - start > LONGEST_SPAN_S or len(asked) > MAX_REQUEST_IDS:
            return platform_error(400, "invalid_request_error", "at most 90 days, and 50 request ids")
        rows = [
            _event(bill)
            for bill in reversed(self._bills(owner))
            if start <= (self._queue.by_id[bill.request_id].ended_at or now) < end
            and (not asked or bill.request_id in asked)
            and (not endpoints or bill.endpoint_id in endpoints)
        ]
        return JSONResponse({"billing_events": rows, "next_cursor": None, "has_more": False})

    async def delete_payloads(self, http: Request) -> Response:
        """Deletes input and output of a request for good. Speech models leave no files on the CDN.

        At fal this wants an admin key; here every key may, and a fault on `delete` plays the refusal.
        """
        owner = self._entrance.owner(http, "delete")
        if owner is None:
            return _unauthorised()

        def act() -> Response:
            request = self._queue.by_id.get(http.path_params["request_id"])
            if request is None or request.owner != owner:
                return platform_error(404, "not_found", "Request not found")
            request.are_payloads_deleted = True
            return JSONResponse({"cdn_delete_results": []})

        return await self._gate.pass_through("delete", act)

    async def meta(self, _http: Request) -> Response:
        """Where webhooks come from: this machine."""
        return JSONResponse({"webhook_ip_ranges": ["127.0.0.0/8", "::1/128"]})

    def _bills(self, owner: str) -> list[Bill]:
        return [bill for bill in self._ledger.bills if self._queue.by_id[bill.request_id].owner == owner]

    def _mean_cost(self, endpoint_id: str, owner: str) -> float:
        costs = [_cost(bill) for bill in self._bills(owner) if bill.endpoint_id == endpoint_id]
        return sum(costs) / len(costs) if costs else 0.0


def _unauthorised() -> Response:
    return platform_error(401, "authentication_error", "invalid key credentials")


def _price(endpoint_id: str) -> dict[str, Any]:
    model = ENDPOINTS[endpoint_id]
    about = {"endpoint_id": endpoint_id, "unit_price": model.unit_price_usd, "unit": model.unit}
    return about | {"currency": "USD"}


def _unit_price(endpoint_id: str) -> float:
    model = ENDPOINTS.get(endpoint_id)
    return model.unit_price_usd if model is not None else 0.0


def _cost(bill: Bill) -> float:
    return bill.billable_units * _unit_price(bill.endpoint_id)


def _event(bill: Bill) -> dict[str, Any]:
    cost = _cost(bill)
    return {
        "request_id": bill.request_id,
        "endpoint_id": bill.endpoint_id,
        "timestamp": bill.billed_at,
        "output_units": bill.billable_units,
        "unit_price": _unit_price(bill.endpoint_id),
        "percent_discount": 0,
        "cost_subtotal": cost,
        "cost_discount": 0,
        "cost_total": cost,
        "cost_estimate_nano_usd": round(cost * 1_000_000_000),
    }
