"""The test stand: the S3 server in its process with its doors, and what other processes need to reach the servers."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from emulator.stack.ports import free_ports
from emulator.stack.processes import without_strangers
from emulator.stack.server import Server

REPOSITORY = Path(__file__).parents[2]
_DOOR_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What was asked of the S3 server since the last reset."""

    operations: Mapping[str, int]
    areas: Mapping[str, int]
    keys: Mapping[str, int]
    """How many keys each bucket holds now."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Counts:
        """From what the server tells."""
        return cls(told["operations"], told["areas"], told["keys"])

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(self.operations.values())


def asked_of(port: int, method: str, path: str, body: bytes | None = None) -> Any:
    """What the S3 server answers at one of its own doors, or to a PUT; None for nothing.

    Raises `LookupError` when it refuses, and `OSError` or `HTTPException` when it is not there.
    """
    # Not urllib: it would ask the environment for a proxy.
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_DOOR_TIMEOUT_S)) as door:
        door.request(method, path, body)
        answer = door.getresponse()
        text = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise LookupError(f"{method} {path} answered {answer.status}.")
    return json.loads(text) if text else None


class ArchiveServer(Server):
    """The S3 server of the benchmarks, `bench.archive_server`, in a process of its own."""

    name = "archive"

    def choose_ports(self) -> None:
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """For S3 clients."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "bench.archive_server", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return without_strangers(os.environ) | {"PYTHONPATH": str(REPOSITORY / "tests")}

    def is_ready(self) -> bool:
        try:
            found = self._ask("GET", "/_counts")
        except (OSError, http.client.HTTPException, ValueError):  # not listening yet, or a stranger
            return False
        return self.process is not None and found["pid"] == self.process.pid

    def make(self, bucket: str, **archive: Any) -> None:
        """Makes a bucket anew, with a generated archive: the fields of `bench.archive.Archive`."""
        self._ask("PUT", f"/_archives/{bucket}", archive)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Writes an object whatever is there. Is counted."""
        asked_of(self.port, "PUT", f"/{bucket}/{quote(key)}", body)

    def set_latency(self, *, list_s: float, other_s: float = 0.0) -> None:
        """How long answers take from now on: pages of listings, and everything else."""
        self._ask("PUT", "/_latency", {"list_s": list_s, "other_s": other_s})

    def counts(self) -> Counts:
        """What was asked since the last reset; asking this does not count."""
        return Counts.of(self._ask("GET", "/_counts"))

    def reset(self) -> None:
        """Counts from zero again."""
        self._ask("POST", "/_counts/reset")

    def variables(self) -> dict[str, str]:
        """What chooses this store, for any S3 client."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "S3_ENDPOINT_URL": self.url,  # the same for s5cmd
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def cpu_s(self) -> float:
        """What the server's process has worked so far; 0 where there is no /proc."""
        try:
            fields = (
                Path(f"/proc/{self.process.pid if self.process else 0}/stat").read_text().rpartition(")")[2].split()
            )
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return asked_of(self.port, method, path, None if body is None else json.dumps(body).encode())
