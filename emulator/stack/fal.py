"""The fal emulator as a server of the stack, in a process of its own as fal would be."""

from __future__ import annotations

import os
import secrets
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from emulator.stack.ports import free_ports
from emulator.stack.processes import without_strangers
from emulator.stack.server import Server

Engine = Literal["whisper", "scripted"]


class FalServer(Server):
    """`python -m emulator fal`. Its queue and its ledger are in memory: a restart forgets both."""

    name = "fal"

    def __init__(self, folder: Path, *, engine: Engine, concurrency: int, options: Sequence[str] = ()) -> None:
        """`options` are further words of `python -m emulator fal`."""
        self.key = f"{uuid.uuid4()}:{secrets.token_hex(16)}"  # looks as fal's keys do
        self._options = ["--engine", engine, "--concurrency", str(concurrency), *options]
        super().__init__(folder)
        self._port_file = self.folder / "port"

    def choose_ports(self) -> None:  # noqa: D102  as in Server
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """In place of https://queue.fal.run."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:  # noqa: D102  as in Server
        place = ["--port", str(self.port), "--port-file", str(self._port_file)]
        return [sys.executable, "-m", "emulator", "fal", *place, *self._options]

    def environment(self) -> Mapping[str, str]:  # noqa: D102  as in Server
        # Its downloads lie in the stack's folder, so that a killed one leaves nothing elsewhere.
        return {**without_strangers(os.environ), "EMULATOR_FAL_KEY": self.key, "TMPDIR": str(self.folder)}

    def launch(self) -> None:  # noqa: D102  as in Server
        self._port_file.unlink(missing_ok=True)
        super().launch()

    def is_ready(self) -> bool:  # noqa: D102  as in Server
        # The file is written by our own process once it listens, so no stranger's answer is taken for it.
        if not self._port_file.exists():
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/emulator/health", timeout=2):  # noqa: S310  our own loopback URL
                return True
        except (urllib.error.URLError, OSError):
            return False
