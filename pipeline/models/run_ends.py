"""How a run ended, for those who are told of it: the command's last words, notices, reports."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, Field

from pipeline.models.archives import Place, Record
from pipeline.models.progress import Trouble


class Ending(StrEnum):
    """How a run ended."""

    DONE = "done"
    """Every object that it had to do is done."""
    FAILED = "failed"
    """It went through the archive, and some objects failed or are uncertain."""
    BUDGET = "budget"
    """Its ceiling was reached."""
    DEADLINE = "deadline"
    """The time came from which nothing new is submitted, and something was left."""
    STOPPED = "stopped"
    """By the account, a configuration, a service that was away, another run, or a signal."""


class RunEnd(Record):
    """How a run over one archive ended, and what it did. Free of secrets."""

    archive: Place
    output: Place
    run_id: str = ""
    """Empty when it did not come to begin, for instance because another run is active."""
    ending: Ending
    exit_code: int
    message: str = ""
    """For people: what stopped it and what to do; empty for a plain end."""
    started_at: AwareDatetime
    finished_at: AwareDatetime
    done: int = 0
    failed: int = 0
    uncertain: int = 0
    left: int = 0
    """Objects that wait for the next run."""
    skipped: int = 0
    gone: int = 0
    suspect: int = 0
    by_reason: dict[str, int] = Field(default_factory=dict)
    """Objects of this run that are no transcripts, by reason."""
    audio_s: float = 0.0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    troubles: tuple[Trouble, ...] = ()
    """Some examples, newest first."""
    manifest_uri: str | None = None
    report_uri: str | None = None
