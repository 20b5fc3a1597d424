"""Runs the application on uvicorn: loopback only, a port file, and an end within two seconds of SIGTERM."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from emulator.fal.app import build_app
from emulator.fal.connections import AbortableProtocol
from emulator.fal.settings import EmulatorSettings

log = logging.getLogger(__name__)

GRACE_S = 1  # What answers are given to finish; a held one would keep the process otherwise.
KEEP_ALIVE_S = 75  # Longer than httpx's 5 s: a server that closes first makes a POST fail ambiguously for no reason.


def loopback_host(host: str) -> str:
    """The host if it is a loopback address. Raises ValueError: the ledger and the fault script have no key."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise ValueError(f"{host!r} is not a loopback address; the emulator listens on this machine only")


class _Server(uvicorn.Server):
    """uvicorn that tells when it listens, and leaves the signals to `serve`."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would raise the signal again at the end, and the exit code would not be 0.
        yield


def run_server(settings: EmulatorSettings) -> None:
    """Serves until SIGTERM or SIGINT, then ends the process with 0; never returns.

    Raises OSError when the port is taken, ValueError when the fault file is wrong.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it every answer takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    asyncio.run(_serve(settings, listener))


async def _serve(settings: EmulatorSettings, listener: socket.socket) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    port: int = listener.getsockname()[1]
    own_url = f"http://{host}:{port}"

    def announce() -> None:
        if settings.port_file is not None:
            _write_atomically(settings.port_file, f"{port}\n")
        log.info("emulating fal on %s with the %s engine", own_url, settings.engine)

    with tempfile.TemporaryDirectory(prefix="nightscribe-fal-", ignore_cleanup_errors=True) as folder:
        config = uvicorn.Config(
            build_app(settings, Path(folder), own_url),
            http=AbortableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config, announce)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, server)
        async with contextlib.AsyncExitStack() as beside:
            # Before the port file, for which everybody waits.
            await _open_tunnel(settings, port, Path(folder), beside)
            await server.serve([listener])
    log.info("stopped")
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for the threads that recognise speech, which cannot be interrupted.
    os._exit(0)


async def _open_tunnel(settings: EmulatorSettings, port: int, folder: Path, beside: contextlib.AsyncExitStack) -> None:
    if settings.tunnel_port_file is None or settings.ca_file is None:
        return
    # Imported here: few want a tunnel, and its certificates need a package that takes its time to import.
    from emulator.fal.tunnel import Tunnel  # noqa: PLC0415

    tunnel = Tunnel(settings.host, port, settings.ca_file, folder)
    _write_atomically(settings.tunnel_port_file, f"{await tunnel.open()}\n")
    beside.callback(tunnel.close)


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def _write_atomically(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text)
    part.replace(file)
