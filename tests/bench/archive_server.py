"""The S3 server of the benchmarks: `python -m bench.archive_server --port PORT`, over generated archives.

Beside S3's operations it has doors of its own, which are not counted:
    PUT  /_archives/BUCKET {"objects": 1000, "new": 10, ...}   makes the bucket anew; fields as `bench.archive.Archive`
    PUT  /_latency {"list_s": 0.02, "other_s": 0.0}            how long an answer takes from now on
    GET  /_counts     {"pid": 1, "operations": {...}, "areas": {...}, "keys": {"BUCKET": 1990}}
    POST /_counts/reset
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from http import HTTPStatus

from bench.archive import Archive
from bench.bucket import Bucket
from bench.http_server import Connection, Request, Response, Service
from bench.s3_operations import S3


class ArchiveService:
    """S3 with its latencies, and the doors for whoever measures."""

    def __init__(self) -> None:
        self._s3 = S3()
        self._list_s = 0.0
        self._other_s = 0.0

    def latency_s(self, request: Request) -> float:
        """How long the answer takes. Answers to different connections take their time together."""
        if _door(request):
            return 0.0
        return self._list_s if request.query.get("list-type") == "2" else self._other_s

    def answer(self, request: Request) -> Response:
        """A door's answer, or S3's."""
        door = _door(request)
        if not door:
            return self._s3.answer(request)
        doors: dict[str, Callable[[Request], object]] = {
            "PUT _archives": self._make,
            "PUT _latency": self._set_latency,
            "GET _counts": self._counts,
            "POST _counts": self._reset,
        }
        if f"{request.method} {door}" not in doors:
            return Response(HTTPStatus.NOT_FOUND)
        return Response(HTTPStatus.OK, json.dumps(doors[f"{request.method} {door}"](request)).encode())

    def _make(self, request: Request) -> None:
        bucket = request.path.rpartition("/")[2]
        self._s3.buckets[bucket] = Bucket(Archive(bucket, **json.loads(request.body)))

    def _set_latency(self, request: Request) -> None:
        asked = json.loads(request.body)
        self._list_s, self._other_s = asked["list_s"], asked["other_s"]

    def _counts(self, _request: Request) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "operations": self._s3.operations,
            "areas": self._s3.areas,
            "keys": {name: bucket.keys for name, bucket in self._s3.buckets.items()},
        }

    def _reset(self, _request: Request) -> None:
        self._s3.operations.clear()
        self._s3.areas.clear()


def _door(request: Request) -> str:
    """The name of one of our own doors; empty for S3's. No bucket's name begins with an underscore."""
    first = request.path.split("/")[1] if "/" in request.path else ""
    return first if first.startswith("_") else ""


async def _serve(port: int) -> None:
    service = ArchiveService()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(Service(service.answer, service.latency_s)), "127.0.0.1", port, backlog=256
    )
    async with server:
        await server.serve_forever()


def main(words: list[str]) -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive_server")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args(words).port))


if __name__ == "__main__":
    main(sys.argv[1:])
