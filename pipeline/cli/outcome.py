"""What becomes of a run: its manifest, and what a ceiling or a deadline has left undone."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.cli.shortfall import Shortfall
from pipeline.models import Manifest


@dataclass
class Outcome:
    """What became of a run, filled while its events are read."""

    run_id: str = ""
    manifest: Manifest | None = None
    """None while the run is unfinished."""
    report_uri: str | None = None
    """Where this run's report lies; None when it wrote none."""
    has_begun: bool = False
    """Whether any job was handed on to the queue."""
    shortfall: Shortfall = field(default_factory=Shortfall)
