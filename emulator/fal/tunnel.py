"""An HTTPS proxy that leads fal's host names to the emulator (docs/fal.md section 15).

fal's own clients have no option for another address: `HTTPS_PROXY` and `SSL_CERT_FILE` lead them here unchanged.
The TLS ends in this file; what is inside goes on to the emulator's port, and its `Host` header tells where it was meant
to go. Nothing is ever connected to but that port.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from emulator.fal.certificates import server_context
from emulator.fal.hosts import SERVICES

BLOCK_BYTES = 64 * 1024
HTTPS_PORT = "443"


class Tunnel:
    """Serves CONNECT on a port of its own until it is closed."""

    def __init__(self, host: str, port: int, ca_file: Path, folder: Path) -> None:
        """`host` and `port` are the emulator's own; the authority's certificate goes to `ca_file`."""
        self._host = host
        self._port = port
        self._context = server_context(SERVICES, ca_file, folder)
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Begins to listen; the answer is the port."""
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Takes no more callers."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection that breaks off is everyday; and asyncio would complain of one that ends with the loop.
        everyday = (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*everyday, asyncio.CancelledError):
            async with _closing(writer):
                await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.decode("latin-1").partition(" ")
        name, _, port = rest.partition(" ")[0].partition(":")
        if method != "CONNECT" or name not in SERVICES or port != HTTPS_PORT:
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._context)
        inner_reader, inner_writer = await asyncio.open_connection(self._host, self._port)
        async with _closing(inner_writer), asyncio.TaskGroup() as ways:
            both = [ways.create_task(_pour(reader, inner_writer)), ways.create_task(_pour(inner_reader, writer))]
            # Whichever side goes away first, there is nothing left to say to the other.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for way in both:
                way.cancel()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while block := await reader.read(BLOCK_BYTES):
            writer.write(block)
            await writer.drain()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        writer.transport.abort()
        raise
    finally:
        writer.close()
    await writer.wait_closed()
