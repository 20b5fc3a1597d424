"""How many requests fal held at each moment, and whether that was ever more than there were permits. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Flight:
    """What the books show."""

    peak: int
    over_s: float
    excesses: tuple[str, ...]
    """Each stretch of time above the permits."""


def flight(evidence: Evidence) -> Flight:
    """Goes through all starts and ends in the order of time; at equal times ends come first."""
    permits, requests = evidence.permits, evidence.requests
    changes = sorted(
        [(request.sent_at, 1) for request in requests]
        + [(request.ended_at, -1) for request in requests if request.ended_at is not None]
    )
    held = peak = highest = 0
    since: float | None = None
    over_s = 0.0
    excesses = []
    for at, change in changes:
        held += change
        peak = max(peak, held)
        if held > permits:
            since = at if since is None else since
            highest = max(highest, held)
        elif since is not None:
            over_s += at - since
            when = f"for {at - since:.2f} s, {since - evidence.began_at:.1f} s after the start"
            excesses.append(f"{highest} with {permits} permits, {when}")
            since, highest = None, 0
    return Flight(peak, round(over_s, 3), tuple(excesses))
