"""Stage 4: one job, from its message to its sidecar, paying at most once (I1). Read `stage` first."""

from pipeline.transcribe.intents import IntentBook
from pipeline.transcribe.stage import Later, Settled, transcribe
from pipeline.transcribe.tools import Tools

__all__ = ["IntentBook", "Later", "Settled", "Tools", "transcribe"]
