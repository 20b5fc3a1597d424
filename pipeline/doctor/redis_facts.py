"""Judges a Redis server by what it tells of itself (INFO), and what it is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from pipeline.doctor.checkup import Seen, failed, ok, warning

OLDEST = (6, 2)
"""What our scripts are written for (pipeline/redis_server.py)."""
_SLOW_MS = 50.0  # a call within a region takes about one; each job makes some dozens
_FULL_SHARE = 0.8
_KEEPS_ALL = "noeviction"
_BYTES_PER_MB = 1e6


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """A server as it was found. `info` is its INFO; `round_trips_ms` how long some pings took."""

    server: str
    """Host and port."""
    info: Mapping[str, Any]
    round_trips_ms: Sequence[float]
    its_time: datetime
    our_time: datetime
    """At the same moment."""

    def reached(self) -> Seen:
        """Version and latency."""
        name = "Valkey" if "valkey_version" in self.info else "Redis"
        shown = str(self.info.get("valkey_version") or self.info.get("redis_version") or "of an unknown version")
        spoken = [int(part) for part in re.findall(r"\d+", str(self.info.get("redis_version", "")))[:2]]
        latency_ms = median(self.round_trips_ms)
        saw = f"{name} {shown} at {self.server} answers in {latency_ms:.1f} ms."
        if tuple(spoken) < OLDEST:
            return failed(saw, f"Nightscribe needs {OLDEST[0]}.{OLDEST[1]} or newer: upgrade the server.")
        if latency_ms > _SLOW_MS:
            return warning(
                f"{saw} Each job asks it some dozens of times.", "Put workers and Redis into one region and network."
            )
        return ok(saw)

    def eviction(self) -> Seen:
        """Whether it may drop what it was given."""
        policy, limit = str(self.info.get("maxmemory_policy", "")), int(self.info.get("maxmemory", 0))
        if policy == _KEEPS_ALL:
            return ok("maxmemory-policy is noeviction: it drops nothing.")
        saw = f"maxmemory-policy is {policy or 'unknown'}"
        advice = "Set it: CONFIG SET maxmemory-policy noeviction, and in the server's configuration or parameter group."
        if limit:
            return failed(
                f"{saw}: a full server silently drops messages, leases and budgets. Nothing would be paid twice, but "
                "runs stall.",
                advice,
            )
        return warning(f"{saw}, without effect while maxmemory is not set.", advice)

    def persistence(self) -> Seen:
        """Whether it still knows everything after a restart."""
        if not int(self.info.get("aof_enabled", 0)):
            return warning(
                "It keeps no append-only file: after a restart it has forgotten the queue, and runs plan again out of "
                "S3. No money or result is lost.",
                "Set appendonly yes (CONFIG SET appendonly yes, and in its configuration).",
            )
        if self.info.get("aof_last_write_status", "ok") != "ok":
            return failed("Its last write to the append-only file failed.", "Look at the server's disk and log.")
        return ok("It keeps an append-only file.")

    def memory(self) -> Seen:
        """How full it is."""
        used, limit = int(self.info.get("used_memory", 0)), int(self.info.get("maxmemory", 0))
        if not limit:
            return ok(f"It uses {_mb(used)}; no maxmemory is set.")
        saw = f"It uses {_mb(used)} of {_mb(limit)}."
        if used >= limit * _FULL_SHARE:
            return warning(
                f"{saw} A full server refuses writes, and runs wait.",
                "Raise maxmemory, or lower queue.high_water: each outstanding job takes about 1.4 kB.",
            )
        return ok(saw)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / _BYTES_PER_MB:.1f} MB"
