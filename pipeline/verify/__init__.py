"""Verify: does what the last manifest says stand in S3? Pure comparison over streams, beside the flow.

    latest.json ─▶ manifest.json ─▶ rows, part by part ─┐
    listing of the archive ─▶ audio ────────────────────┼─ merged by key ─▶ Difference(kind, key, detail) ...
    listing of the results ─▶ sidecars ─────────────────┘

Nothing is asked about a single object (I7) but with `deep`, which reads every sidecar; nothing is written; memory stays
constant (I6).
"""

from pipeline.verify.differences import Difference, Kind, Tally
from pipeline.verify.joining import Listings
from pipeline.verify.parts import Gap, rows_of
from pipeline.verify.pointer import Pointed, newest_readable
from pipeline.verify.verifying import verify

__all__ = [
    "Difference",
    "Gap",
    "Kind",
    "Listings",
    "Pointed",
    "Tally",
    "newest_readable",
    "rows_of",
    "verify",
]
