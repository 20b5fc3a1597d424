"""The benchmark as a whole: every size, every part, results kept as they come."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import report
from bench.archive import Archive
from bench.first_backfill import first_backfill
from bench.night import BUCKET, S5CMD, night
from bench.remembered import usual_recipe
from bench.stand import ArchiveServer

PARTS = ("night", "first")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    sizes: tuple[int, ...]
    parts: tuple[str, ...] = PARTS
    latencies_s: tuple[float, ...] = (0.0, 0.02)
    rounds: int = 3
    new: int = 100
    shape: str = "dated"


def scale(plan: Plan, folder: Path, out: Path, say: Callable[[str], object]) -> list[str]:
    """Measures everything and writes `out` after each part; returns the bounds that are broken, in words.

    Raises `MeasuringError` when something that is measured does not work at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine(), "night": [], "first_backfill": [], "broken": []}
    for objects in plan.sizes:
        for part in plan.parts:
            say(f"{datetime.now(UTC):%H:%M:%S} {part} with {objects:,} objects")
            # A server for each: what one part has put there is no load for the next.
            server = ArchiveServer(folder)
            server.start()
            try:
                _measure(plan, part, objects, server, folder / f"{part}-{objects}", results)
            finally:
                server.kill()
            out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    say("\n".join(report.tables(results)))
    broken: list[str] = results["broken"]
    return broken


def _measure(plan: Plan, part: str, objects: int, server: ArchiveServer, folder: Path, results: dict[str, Any]) -> None:
    if part == "first":
        results["first_backfill"].append(first_backfill(server, folder, objects=objects, shape=plan.shape))
        return
    archive = Archive(BUCKET, objects, min(plan.new, objects), plan.shape, recipe=usual_recipe().hash)
    found, broken = night(server, archive, folder, latencies_s=list(plan.latencies_s), rounds=plan.rounds)
    results["night"].append(found)
    results["broken"] += [f"{objects:,} objects: {fault}" for fault in broken]


def machine() -> dict[str, Any]:
    """Where it was measured, without names."""
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "boto3": version("boto3"),
        "s5cmd": subprocess.run([S5CMD, "version"], capture_output=True, text=True, check=True).stdout.strip(),
    }
