"""The emulator's own routes: the ledger, the fault script, the reset. Open without a key: only loopback connects."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.fal.faults import FaultScript
from emulator.fal.ledger import Ledger, accepted_row
from emulator.fal.queue import FalQueue
from emulator.fal.storage import Storage
from emulator.fal.webhooks import Webhooks


class EngineWish(BaseModel):
    """Which engine, and how long the scripted one takes."""

    model_config = ConfigDict(extra="forbid")

    engine: Literal["whisper", "scripted"]
    service_s: float = Field(default=0.05, ge=0)


class Control:
    """What a test sees and sets."""

    def __init__(
        self,
        queue: FalQueue,
        ledger: Ledger,
        faults: FaultScript,
        storage: Storage,
        *,
        webhooks: Webhooks,
        switch_engine: Callable[[Literal["whisper", "scripted"], float], None],
    ) -> None:
        self._switch_engine = switch_engine
        self._queue = queue
        self._ledger = ledger
        self._faults = faults
        self._storage = storage
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """The routes below /emulator."""
        return [
            Route("/emulator/health", self.health, methods=["GET"]),
            Route("/emulator/ledger", self.ledger, methods=["GET"]),
            Route("/emulator/refusals", self.forget_refusals, methods=["DELETE"]),
            Route("/emulator/faults", self.show_faults, methods=["GET"]),
            Route("/emulator/faults", self.set_faults, methods=["POST"]),
            Route("/emulator/engine", self.set_engine, methods=["POST"]),
            Route("/emulator/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, _http: Request) -> Response:
        """200 as soon as the process serves."""
        return JSONResponse({"status": "ok"})

    async def ledger(self, http: Request) -> Response:
        """The books; `?rows=0` leaves the lists empty, for a load test has many."""
        rows = http.query_params.get("rows") != "0"
        accounts = self._queue.accounts.values()
        calls = self._ledger.calls
        content: dict[str, Any] = {
            "counts": {"accepted": len(self._ledger.accepted), "bills": len(self._ledger.bills)},
            "objects_billed": len({bill.audio_path for bill in self._ledger.bills}),
            "submits_received": calls["submit"],
            "polls": calls["status"] + calls["stream"],
            "results": calls["result"],
            "calls": dict(calls),
            "in_progress": sum(account.in_progress for account in accounts),
            "in_flight": sum(account.in_flight for account in accounts),
            "max_in_progress": max((account.max_in_progress for account in accounts), default=0),
            "max_in_flight": max((account.max_in_flight for account in accounts), default=0),
            "accepted": [accepted_row(request) for request in self._ledger.accepted] if rows else [],
            "bills": [asdict(bill) for bill in self._ledger.bills] if rows else [],
            "refusals": [asdict(refusal) for refusal in self._ledger.refusals] if rows else [],
            "calls_after_refusal": dict(self._ledger.calls_after_refusal),
            "call_backs": [asdict(call_back) for call_back in self._ledger.call_backs] if rows else [],
            "files": [file.row() for file in self._storage.files.values()] if rows else [],
            "keys_given_away": self._storage.keys_given_away,
        }
        return JSONResponse(content)

    async def forget_refusals(self, _http: Request) -> Response:
        """Begins to count anew what is called after the first 401, 402 or 403; everything else stays."""
        self._ledger.forget_refusals()
        return JSONResponse({"status": "forgotten"})

    async def show_faults(self, _http: Request) -> Response:
        """The rules in force, with how often each has matched and fired."""
        triples = zip(self._faults.rules, self._faults.matched, self._faults.fired, strict=True)
        return JSONResponse(
            [
                {"rule": rule.model_dump(mode="json", exclude_defaults=True), "matched": matched, "fired": fired}
                for rule, matched, fired in triples
            ]
        )

    async def set_faults(self, http: Request) -> Response:
        """Replaces the script by the JSON list in the body; 422 when a rule is wrong, changing nothing."""
        try:
            self._faults.replace(await http.json())
        except (ValidationError, ValueError) as error:
            return JSONResponse({"detail": str(error)}, 422)
        return JSONResponse({"rules": len(self._faults.rules)})

    async def set_engine(self, http: Request) -> Response:
        """Changes the engine for requests that start from now on; 422 when the wish is wrong."""
        try:
            wish = EngineWish.model_validate(await http.json())
        except (ValidationError, ValueError) as error:
            return JSONResponse({"detail": str(error)}, 422)
        self._switch_engine(wish.engine, wish.service_s)
        return JSONResponse(wish.model_dump())

    async def reset(self, _http: Request) -> Response:
        """Forgets requests, files, books and faults."""
        self._queue.reset()
        self._webhooks.reset()
        self._ledger.clear()
        self._storage.clear()
        self._faults.replace([])
        return JSONResponse({"status": "reset"})
