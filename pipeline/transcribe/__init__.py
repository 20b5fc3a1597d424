"""Stage 4: one job, from its message to its sidecar, paying at most once (I1). Read `protocol` first."""

from pipeline.transcribe.intents import IntentBook
from pipeline.transcribe.performance import perform
from pipeline.transcribe.protocol import Dropped, Later, NotOurs, Settled, work
from pipeline.transcribe.rules import Rules
from pipeline.transcribe.tools import Breaker, Tools

__all__ = [
    "Breaker",
    "Dropped",
    "IntentBook",
    "Later",
    "NotOurs",
    "Rules",
    "Settled",
    "Tools",
    "perform",
    "work",
]
