"""Doubts about a transcript, from what it says alone: pure functions over text, times and wishes.

    Heard ─▶ a rule per file, each Heard -> findings ─▶ (Finding(name, detail, at_s), ...)

Nothing here listens to the audio: a rule sees what a careful reader sees who knows how long the recording is and what
was asked for. The thresholds stand in `configs/default.toml` under `[lint]`; docs/lint.md tells how often they err.
"""

from pipeline.lint.heard import Heard
from pipeline.lint.linting import RULES, lint

__all__ = ["RULES", "Heard", "lint"]
