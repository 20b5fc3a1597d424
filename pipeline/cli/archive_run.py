"""One pass over an archive: who dispatches it, under which identity, and whether it can be continued.

What happens in between is in `open_run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from pipeline import keys, manifest
from pipeline.cancellation import CancellationToken
from pipeline.cli.counts import Counts
from pipeline.cli.heartbeat import heartbeat
from pipeline.cli.open_run import OpenRun
from pipeline.cli.outcome import Outcome
from pipeline.cli.session import Session
from pipeline.cli.telling import Telling
from pipeline.cli.wishes import Wish, now
from pipeline.errors import NightscribeError, ServiceUnavailableError
from pipeline.models import Phase
from pipeline.redaction import redact
from pipeline.runs.base import Runs, RunTicket
from pipeline.submit import Event
from pipeline.unfinished import Noted, OpenRunNote
from pipeline.wiring.dispatcher import open_dispatcher


@dataclass
class ArchiveRun:
    """A run as the dispatcher sees it: opens it, yields its events, ends it in a manifest."""

    session: Session
    wish: Wish
    cancel: CancellationToken
    started_at: datetime = field(default_factory=now)
    outcome: Outcome = field(default_factory=Outcome)
    counts: Counts = field(default_factory=Counts)
    """What has happened so far; each event is counted before it is yielded."""
    telling: Telling | None = None
    """What watchers are told; None before the run is open."""

    def events(self) -> Iterator[Event]:
        """Everything that happens until the last object is settled and the manifest is written.

        Raises what stops a run (`AccountError`, `BudgetReachedError`, `ConfigurationError`, `RunActiveError`,
        `ServiceUnavailableError`, `Cancelled`); it can then be continued by the same command. After its deadline, and
        as a night also at its ceiling, the run is over and has its manifest: then `DeadlineReachedError` or
        `BudgetReachedError` says that something is left.
        """
        parts = open_dispatcher(self.session.settings)
        try:
            parts.runs.workers()  # Redis answers, or nothing is begun; the broker's client would try for seconds
            parts.queue.depth()
            note = OpenRunNote(self.session.storage, self.wish.output, self.wish.archive)
            noted = note.read()
            ticket = self._open(parts.runs, noted)
            if ticket.resumed and self._has_manifest(ticket.run_id):
                # Its dispatcher died right after the manifest: it is over, and what comes now is the next run.
                parts.runs.close(ticket, finished=True)
                note.remove(ticket.run_id)
                noted = None
                ticket = self._open(parts.runs, noted)
            run = OpenRun(self.session, self.wish, parts, ticket, self.cancel, self.outcome)
            telling = self.telling = Telling(parts.runs, ticket, self.wish, self.counts, self.started_at)
            try:
                with heartbeat(parts.runs, ticket, lease_s=self.session.settings.run.dispatcher_lease_s):
                    for event in run.events(note, noted, self.started_at):
                        self.counts.add(event)
                        telling.heed(event)
                        yield event
                telling.end(Phase.DONE)
            except NightscribeError as error:
                telling.end(Phase.STOPPED, redact(error.message))
                raise
            except BaseException:
                telling.end(Phase.STOPPED, "interrupted")
                raise
            finally:
                # What ended the run is to be said, not that Redis is away at its end.
                with suppress(ServiceUnavailableError):
                    parts.runs.close(ticket, finished=not run.can_be_continued)
        finally:
            parts.close()

    def _open(self, runs: Runs, noted: Noted | None) -> RunTicket:
        is_ours = noted is not None and noted.run.recipe == self.wish.recipe.hash
        return runs.open(
            keys.archive_id(self.wish.output, self.wish.archive),
            self.wish.recipe.hash,
            new_run_id=_new_run_id(self.started_at),
            archive_uri=self.wish.uri,
            endpoint_id=self.wish.recipe.endpoint_id,
            unfinished_run_id=noted.run.run_id if noted and is_ours else None,
        )

    def _has_manifest(self, run_id: str) -> bool:
        last = manifest.read_latest(self.session.storage, self.wish.output, self.wish.archive)
        return last is not None and last.run_id == run_id


def _new_run_id(moment: datetime) -> str:
    """Sorts by time and never repeats: `20261122T021500Z-1a2b3c`."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
