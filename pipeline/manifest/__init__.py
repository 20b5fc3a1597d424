"""Stage 5: rows to a manifest: the state of the whole archive, in key order, in parts, written last.

    last manifest ─┐
                   ├─▶ part-*.jsonl.gz ─▶ manifest.json ─▶ latest.json
    Draft ─────────┘   (what this run changes: rows in any order, sorted on disk)

A run in progress keeps its settled rows in segments, so that a crashed dispatcher loses nothing. Nothing here
grows in memory with the archive (I6): SQLite does the sorting, in a temporary file.
"""

from pipeline.manifest.comparing import Onlooker, compared
from pipeline.manifest.draft import Draft
from pipeline.manifest.finding import find_in_segments, find_row
from pipeline.manifest.overlay import overlaid
from pipeline.manifest.reading import Newest, known, read_latest, read_newest, read_rows, remembered
from pipeline.manifest.segments import Segments
from pipeline.manifest.writing import RunFacts, confirm, finish

__all__ = [
    "Draft",
    "Newest",
    "Onlooker",
    "RunFacts",
    "Segments",
    "compared",
    "confirm",
    "find_in_segments",
    "find_row",
    "finish",
    "known",
    "overlaid",
    "read_latest",
    "read_newest",
    "read_rows",
    "remembered",
]
