"""Stage 3: jobs to the queue, between two water marks, and settled rows back, until the last object is settled.

    Job | Skip ─▶ note as outstanding ─▶ queue      (paused while high_water jobs are outstanding)
    settled rows ◀── workers                        jobs that nobody works on any more are sent again

A generator of events: whoever consumes them keeps the draft of the manifest and shows the progress. A job is
noted as outstanding before it is sent, so a message that gets lost is noticed and sent again; and what Redis forgets
altogether is still in the draft, and is sent again from there. Second opinions on suspect transcripts are sent when all
first ones are there: nothing waits for its first transcript because another is made twice.
"""

from pipeline.submit.dispatch import Dispatch
from pipeline.submit.events import Enqueued, Event, LeftOut, Notice, Passed, SecondAsked, SettledRow, Skipped, Tick

__all__ = [
    "Dispatch",
    "Enqueued",
    "Event",
    "LeftOut",
    "Notice",
    "Passed",
    "SecondAsked",
    "SettledRow",
    "Skipped",
    "Tick",
]
