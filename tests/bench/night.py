"""Part (a): an ordinary night. Most is known, a little is new: plans beside plain listings, and a whole run."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import remembered
from bench.archive import Archive
from bench.dispatching import dispatch
from bench.measuring import Measured, MeasuringError, measure
from bench.stand import REPOSITORY, ArchiveServer, Counts

BUCKET = "archive"
KEYS_PER_PAGE = 1000
MOST_PER_NEW_OBJECT = 3
MOST_OTHERS = 30
MOST_PAGES_MORE = 0.03
"""Of the pages that hold all keys, for a listing in ranges: each range ends with a page that is partly another's. One
stream has no such allowance."""
RANGES_AT_ONCE = 16  # and each may have just been cut
ONE_STREAM = "nightscribe plan, one stream"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that lists the whole bucket."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    is_ours: bool = False
    keep_output: bool = True


S5CMD = str(Path(sys.executable).with_name("s5cmd"))
_PLAN = (sys.executable, "-m", "pipeline", "plan", f"s3://{BUCKET}/", "--json")
CONTESTANTS = (
    Contestant("boto3 loop", (sys.executable, str(Path(__file__).with_name("boto3_loop.py")), BUCKET), {}),
    Contestant(ONE_STREAM, _PLAN, {"NIGHTSCRIBE_S3_LIST_RANGES": "1"}, is_ours=True),
    Contestant("nightscribe plan", _PLAN, {}, is_ours=True),
    Contestant("s5cmd ls", (S5CMD, "ls", f"s3://{BUCKET}/*"), {}, False, False),
)


def night(
    server: ArchiveServer, archive: Archive, folder: Path, *, latencies_s: list[float], rounds: int
) -> tuple[dict[str, Any], list[str]]:
    """Measures one size; what was found, and which bounds are broken, in words."""
    server.make(BUCKET, objects=archive.objects, new=archive.new, shape=archive.shape, recipe=archive.recipe)
    remembered.remember(server, archive)
    listings, broken = [], []
    for latency_s in latencies_s:
        server.set_latency(list_s=latency_s)
        for number in range(rounds):
            for contestant in _turned(number):
                found, counts = _listing(server, contestant, folder)
                listings.append({"objects": archive.objects, "latency_s": latency_s, "round": number + 1, **found})
                if contestant.is_ours:
                    broken += plan_faults(contestant.name, counts)
                    broken += _plan_mistakes(found.pop("plan"), archive)
    run, faults = _run(server, archive, folder / "backfill")
    return {"listings": listings, "run": run}, sorted(set(broken + faults))


def _turned(number: int) -> tuple[Contestant, ...]:
    """All contestants, another one first in each round."""
    first = number % len(CONTESTANTS)
    return CONTESTANTS[first:] + CONTESTANTS[:first]


def _listing(server: ArchiveServer, contestant: Contestant, folder: Path) -> tuple[dict[str, Any], Counts]:
    server.reset()
    worked_s = server.cpu_s
    environment = server.environment() | server.variables() | {"PYTHONPATH": str(REPOSITORY), **contestant.variables}
    measured = measure(contestant.command, environment, folder / contestant.name, keep_output=contestant.keep_output)
    counts = server.counts()
    found = {
        "contestant": contestant.name,
        "wall_s": round(measured.wall_s, 3),
        "cpu_s": round(measured.cpu_s, 3),
        "server_cpu_s": round(server.cpu_s - worked_s, 2),
        "peak_mb": measured.peak_mb,
        "operations": dict(counts.operations),
        "pages_needed": pages_of(counts),
    }
    if contestant.is_ours:
        found["plan"] = _printed(measured)
    return found, counts


def _printed(measured: Measured) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(measured.stdout.read_text())
    return plan


def _run(server: ArchiveServer, archive: Archive, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """A whole backfill of what is new, without latency: what it asks of S3 before its first job is done, and in all."""
    server.set_latency(list_s=0.0)
    server.reset()
    pages = pages_of(server.counts())
    took = dispatch(server, BUCKET, folder, jobs=archive.new, hold=archive.new)
    before = Counts(took.settler["operations"], took.settler["areas"], {})
    whole = server.counts()
    found = {
        "objects": archive.objects,
        "new": archive.new,
        "wall_s": round(took.dispatcher.wall_s, 3),
        "peak_mb": took.dispatcher.peak_mb,
        "pages_needed": pages,
        "before_submission": dict(before.operations),
        "before_submission_by_area": dict(before.areas),
        "operations": dict(whole.operations),
        "by_area": dict(whole.areas),
    }
    if took.manifest["totals"]["objects"] != archive.objects:
        raise MeasuringError(f"The manifest has {took.manifest['totals']['objects']} rows, not {archive.objects}.")
    return found, run_faults("before submission", before, pages, archive.new) + run_faults(
        "in all", whole, pages, archive.new
    )


def pages_of(counts: Counts) -> int:
    """How many pages hold all keys of the bucket."""
    return math.ceil(counts.keys[BUCKET] / KEYS_PER_PAGE)


def per_object(counts: Counts) -> int:
    """The requests for one audio object, sidecar or intent each."""
    return sum(counts.areas.get(area, 0) for area in ("audio", "sidecar", "intent"))


def plan_faults(name: str, counts: Counts) -> list[str]:
    """Which of the plan's bounds the counts break."""
    pages, lists = pages_of(counts), counts.operations.get("list", 0)
    faults = run_faults("in all", counts, pages, new=0)
    if name == ONE_STREAM and lists != pages:
        faults.append(f"{lists} LIST requests in one stream, where {pages} pages hold all keys.")
    return [f"{name}: {fault}" for fault in faults]


def run_faults(when: str, counts: Counts, pages: int, new: int) -> list[str]:
    """Which bounds of a run the counts break: LIST pages, requests per new object, few others, no HEAD."""
    heads, ours = counts.operations.get("head", 0), per_object(counts)
    lists = counts.operations.get("list", 0)
    others = counts.requests - ours - lists
    faults = []
    if heads:
        faults.append(f"{heads} HEAD requests {when}, where none is needed.")
    if ours > MOST_PER_NEW_OBJECT * new:
        faults.append(f"{ours} requests for single objects {when}: more than {MOST_PER_NEW_OBJECT} for each of {new}.")
    if lists > pages * (1 + MOST_PAGES_MORE) + RANGES_AT_ONCE:
        faults.append(f"{lists} LIST requests {when}, where {pages} pages hold all keys.")
    if others > MOST_OTHERS:
        faults.append(f"{others} other requests {when}: more than {MOST_OTHERS} ({dict(counts.operations)}).")
    return faults


def _plan_mistakes(plan: Mapping[str, Any], archive: Archive) -> list[str]:
    if plan["jobs"] == archive.new:
        return []
    return [f"nightscribe plan found {plan['jobs']} new objects of {archive.objects}, where {archive.new} are."]
