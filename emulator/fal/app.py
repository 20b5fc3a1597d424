"""Puts the parts together into one ASGI application. Contains no behaviour of fal itself."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.fal.access import Access
from emulator.fal.cdn_routes import CdnRoutes
from emulator.fal.control import Control
from emulator.fal.downloads import Downloads
from emulator.fal.engines.base import Engine
from emulator.fal.engines.scripted import ScriptedEngine
from emulator.fal.engines.whisper import WhisperEngine
from emulator.fal.entrance import Entrance
from emulator.fal.faults import FaultScript
from emulator.fal.gate import Gate
from emulator.fal.history import History
from emulator.fal.hosts import Hosts
from emulator.fal.ledger import Ledger
from emulator.fal.platform import Platform
from emulator.fal.processing import Processing
from emulator.fal.queue import FalQueue
from emulator.fal.queue_routes import QueueRoutes
from emulator.fal.rest_routes import RestRoutes
from emulator.fal.run_routes import RunRoutes
from emulator.fal.settings import EmulatorSettings
from emulator.fal.storage import Storage
from emulator.fal.webhooks import Webhooks

log = logging.getLogger(__name__)

ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Signature:
    """Adds `x-emulator` to every answer and logs one line for each, without query and headers, where secrets are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on."""

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-emulator"] = "nightscribe"
                log.debug("%s %s %d", scope["method"], scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, signed if scope["type"] == "http" else send)


def engine_of(settings: EmulatorSettings) -> Engine:
    """The engine that was asked for."""
    if settings.engine == "whisper":
        return WhisperEngine(concurrency=settings.concurrency, model_dir=settings.model_dir)
    return ScriptedEngine(
        service_s=settings.service_s,
        speed=settings.speed,
        jitter_share=settings.jitter_share,
        words=settings.words,
        seed=settings.seed,
    )


def build_app(settings: EmulatorSettings, folder: Path, own_url: str) -> ASGIApp:
    """The application, which will answer at `own_url`; `folder` takes downloads and stored files.

    Raises ValueError when the fault file is wrong.
    """
    rules: Any = json.loads(settings.faults_file.read_text()) if settings.faults_file else []
    faults = FaultScript(settings.seed, rules)
    ledger = Ledger(settings.ledger_file)
    gate = Gate(faults, ledger)
    entrance = Entrance(Access(settings.keys), ledger)
    downloads = Downloads(folder, own_url) if settings.download else None
    storage = Storage(folder, settings.time_factor)
    processing = Processing(engine_of(settings), downloads, faults)
    webhooks = Webhooks(faults, ledger, settings.time_factor, refuses_private=settings.webhooks_refuse_private)
    queue = FalQueue(settings.concurrency, processing, ledger, webhooks.ended)

    def switch(engine: Literal["whisper", "scripted"], service_s: float) -> None:
        processing.use(engine_of(replace(settings, engine=engine, service_s=service_s)))

    history = History(settings, queue, entrance, gate)
    queue_routes: list[BaseRoute] = [
        Route("/{path:path}", QueueRoutes(settings, queue, entrance, gate).answer, methods=ALL_METHODS)
    ]
    run_routes: list[BaseRoute] = [Route("/{path:path}", RunRoutes(queue, entrance).answer, methods=ALL_METHODS)]
    rest_routes: list[BaseRoute] = [*RestRoutes(storage, entrance, gate).routes(), *webhooks.routes()]
    cdn_routes: list[BaseRoute] = [*CdnRoutes(storage, gate, ledger).routes()]
    platform_routes: list[BaseRoute] = [
        *Platform(queue, entrance, gate, ledger).routes(),
        Route("/v1/models/requests/by-endpoint", history.answer, methods=["GET"]),
    ]
    control_routes = Control(queue, ledger, faults, storage, webhooks=webhooks, switch_engine=switch).routes()
    return Signature(
        Hosts(
            {
                "queue": _service(queue_routes),
                "run": _service(run_routes),
                "rest": _service(rest_routes),
                "cdn": _service(cdn_routes),
                "platform": _service(platform_routes),
            },
            anywhere=_service([*control_routes, *platform_routes, *rest_routes, *cdn_routes, *queue_routes]),
        )
    )


def _service(routes: Sequence[BaseRoute]) -> Starlette:
    app = Starlette(routes=list(routes))
    # The official asynchronous client does not follow redirects (docs/fal.md section 2).
    app.router.redirect_slashes = False
    return app
