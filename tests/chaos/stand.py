"""The test stand of one contestant: its own servers, the fault proxies before them, and the archive."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import redis
from chaos import fal_faults
from chaos.background_loop import BackgroundLoop
from chaos.recordings import Recording
from chaos.redis_proxy import RedisProxy
from chaos.s3_proxy import S3Proxy
from chaos.sizes import Size

from emulator.stack import Stack

BUCKET = "archive"
REPOSITORY = Path(__file__).parents[2]
_UPLOADS_AT_ONCE = 8
_HISTORY_LAG_S = 0.5


class Stand:
    """Servers, proxies and bucket; a context manager that leaves no process behind."""

    def __init__(self, folder: Path, size: Size, seed: int) -> None:
        self.folder = folder
        self.size = size
        self.seed = seed
        self.etags: dict[str, str] = {}
        self.stack = Stack(
            folder / "stack",
            "scripted",
            size.concurrency,
            [
                *("--service-s", str(size.service_s), "--jitter-share", "0.5", "--words", "12"),
                *("--seed", str(seed), "--history-lag-s", str(_HISTORY_LAG_S)),
                "--history-hides-queued",  # fal does not say whether it does
            ],
        )

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(_without_foreign_redis())
            opened.enter_context(self.stack)
            # The data is thrown away, and SeaweedFS sometimes takes ten seconds to end in order.
            opened.callback(self.stack.s3.kill)
            loop = opened.enter_context(BackgroundLoop())
            self.s3_proxy = S3Proxy(loop, self.stack.s3.ports["s3"], self.seed)
            self.redis_proxy = RedisProxy(loop, self.stack.redis.port, self.seed)
            self.client = self.stack.s3.client()
            opened.callback(self.client.close)
            self.client.create_bucket(Bucket=BUCKET)
            self.fault(fal_faults.usual())
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def put(self, recordings: Iterable[Recording]) -> None:
        """Fills the archive, past the proxies, and remembers every object's ETag."""

        def put(recording: Recording) -> tuple[str, str]:
            answer = self.client.put_object(Bucket=BUCKET, Key=recording.key, Body=recording.body)
            return recording.key, answer["ETag"].strip('"')

        with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as uploads:
            self.etags.update(uploads.map(put, recordings))

    @property
    def environment(self) -> dict[str, str]:
        """What processes need to reach the servers, past the proxies."""
        return self.stack.process_environment()

    def environment_of(self, process: str) -> dict[str, str]:
        """The same for the process of this name, with the proxies in between."""
        return self.stack.process_environment(
            AWS_ENDPOINT_URL=self.s3_proxy.open(process), REDIS_URL=self.redis_proxy.url, PYTHONUNBUFFERED="1"
        )

    # what lies in S3, past the proxy

    def listed(self) -> Iterator[str]:
        """The keys of all objects, in the order of the listing."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return (entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def read(self, key: str) -> tuple[bytes, str] | None:
        """An object's bytes and ETag; None when it is not there."""
        try:
            answer = self.client.get_object(Bucket=BUCKET, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), answer["ETag"].strip('"')

    # fal and Redis, from behind

    def ledger(self, *, rows: bool = True) -> dict[str, Any]:
        """fal's books."""
        with urllib.request.urlopen(f"{self.stack.fal_url}/emulator/ledger?rows={int(rows)}") as answer:  # noqa: S310  loopback
            books: dict[str, Any] = json.load(answer)
        return books

    def fault(self, rules: list[fal_faults.Rule]) -> None:
        """Replaces fal's fault script."""
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.stack.fal_url}/emulator/faults",
            data=json.dumps(rules).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()  # noqa: S310  loopback

    def flush_redis(self) -> None:
        """Empties Redis."""
        with redis.Redis(port=self.stack.redis.port) as client:
            client.flushall()

    def forget_redis(self) -> None:
        """Removes the data of a Redis that is down."""
        for path in sorted(self.stack.redis.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def _without_foreign_redis() -> ExitStack:
    """A server that the environment offers must not be flushed or killed: the stand starts its own."""
    restore = ExitStack()
    if (url := os.environ.pop("REDIS_URL", None)) is not None:
        restore.callback(os.environ.__setitem__, "REDIS_URL", url)
    return restore
