"""Part (b): the first backfill of an archive of which nothing is transcribed, with the jobs' end simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.dispatching import dispatch
from bench.stand import ArchiveServer

BUCKET = "archive"


def first_backfill(server: ArchiveServer, folder: Path, *, objects: int, shape: str) -> dict[str, Any]:
    """Measures one size."""
    server.make(BUCKET, objects=objects, new=objects, shape=shape)
    server.set_latency(list_s=0.0)
    server.reset()
    worked_s = server.cpu_s
    took = dispatch(server, BUCKET, folder, jobs=objects)
    return {
        "objects": objects,
        "wall_s": round(took.dispatcher.wall_s, 2),
        "cpu_s": round(took.dispatcher.cpu_s, 2),
        "objects_per_s": round(objects / took.enqueueing_s, 1),
        "enqueueing_s": round(took.enqueueing_s, 2),
        "finishing_s": round(took.finishing_s, 2),
        "peak_mb": took.dispatcher.peak_mb,
        "redis_peak_mb": took.redis_peak_mb,
        "settler_cpu_s": round(took.settler["cpu_s"], 2),
        "server_cpu_s": round(server.cpu_s - worked_s, 2),
        "operations": dict(server.counts().operations),
        "rss_mb": took.dispatcher.rss_mb,
        "redis_mb": took.redis_mb,
    }
