"""The budget of a run as its dispatcher keeps it: opened out of S3, and opened anew whenever Redis has forgotten it.

    rows in segments ─▶ spent ──┐
                                ├─▶ Budget.open
    intents of the run ─▶ reserved

What was spent and what is under way can always be told from S3: the intent of a job is deleted only after its row is
safe in a segment. What may have been billed counts, for the ceiling is a promise (docs/adr/0003).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline import keys, pricing, retry
from pipeline.limits.base import Amount, Budget, BudgetUse, Ceiling
from pipeline.models import Intent, IntentState, ManifestRow, Place, Price, State
from pipeline.settings import Settings
from pipeline.storage.base import Storage

# Intents that were last written before the run began are not its own; clocks differ by less (SigV4 refuses more).
_CLOCKS_DIFFER_BY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SpendingRun:
    """The run that spends, and what it may."""

    run_id: str
    output: Place
    started_at: datetime
    ceiling: Ceiling


@dataclass(slots=True)
class RunBudget:
    """The dispatcher's hand on a run's budget. Raises what `Budget` and `Storage` raise."""

    run: SpendingRun
    budget: Budget
    storage: Storage
    settings: Settings
    kept_rows: Callable[[], Iterable[ManifestRow]]
    """All rows of the run that are safe in S3, by whichever dispatcher."""
    prices: tuple[Price, ...] = ()
    """What the run is planned with."""
    _adopted: set[str] = field(default_factory=set)
    """Jobs whose reservations were found in S3; their workers may have settled them before they were opened again."""

    def open(self) -> None:
        """Adds up what the run has used and opens its budget; rows in memory must have been kept before.

        The budget is closed first: from then on no worker may submit, so that each request which S3 does not show
        yet is refused before its POST, and nothing escapes the sum.
        """
        self.budget.close(self.run.run_id)
        with closing(_Requests()) as requests:
            for row in self.kept_rows():
                if row.run_id == self.run.run_id and row.request_id is not None:
                    requests.put(row.request_id, self.used_by(row))
            reserved: dict[str, Amount] = {}
            for intent in self._intents():
                request_id = intent.request.request_id if intent.request else None
                if intent.state is IntentState.FAILED and request_id is not None:
                    requests.put(request_id, self._used_by_failed(intent))
                elif intent.state in {IntentState.INTENDED, IntentState.SUBMITTED} and request_id not in requests:
                    reserved[intent.job_id] = self._reserved_for(intent)
            spent = requests.total()
        self.budget.open(self.run.run_id, self.run.ceiling, spent=spent, reserved=reserved)
        self._adopted = set(reserved)

    def use(self) -> BudgetUse | None:
        """How far it is used; None when Redis has forgotten it: then `open` it again."""
        return self.budget.use(self.run.run_id)

    def settle(self, row: ManifestRow) -> None:
        """Frees a reservation that was found in S3, for its worker may have settled it before that.

        Not for a row that names no request: whoever wrote it need not have seen the one that was found.
        """
        if row.job_id in self._adopted and row.request_id is not None and row.state is not State.UNCERTAIN:
            self.budget.settle(self.run.run_id, row.job_id, self.used_by(row))
            self._adopted.discard(row.job_id)

    def close(self) -> None:
        """Forgets the budget of a run that has finished."""
        self.budget.close(self.run.run_id)

    def used_by(self, row: ManifestRow) -> Amount:
        """What the request of a row counts for; nothing when it has none."""
        if row.request_id is None:
            return Amount()
        cost_usd = self._price(row.endpoint_id, row.duration_s) if row.cost_usd is None else row.cost_usd
        return Amount(cost_usd, row.duration_s or 0.0)

    def _used_by_failed(self, intent: Intent) -> Amount:
        if intent.failure is not None and retry.billing_of(intent.failure) == "no":
            return Amount()
        return self._reserved_for(intent)

    def _reserved_for(self, intent: Intent) -> Amount:
        """What an intent may cost. One that was written without a ceiling may have neither length nor price."""
        audio_s = intent.duration_s
        if audio_s is None:
            audio_s = pricing.assumed_duration_s(self.settings.audio, intent.object)
        cost_usd = intent.reserved_usd
        if cost_usd is None:
            cost_usd = self._price(intent.recipe.endpoint_id, audio_s)
        return Amount(cost_usd, audio_s)

    def _price(self, endpoint_id: str | None, audio_s: float | None) -> float:
        price = pricing.price_of(self.settings, endpoint_id, self.prices)
        return pricing.cost_of(price, endpoint_id or "", audio_s).usd or 0.0

    def _intents(self) -> Iterator[Intent]:
        """The intents of this run. Those of earlier runs, mostly tombstones, are passed over by their age."""
        since = self.run.started_at - _CLOCKS_DIFFER_BY
        for listed in self.storage.list(self.run.output.bucket, keys.intents_folder(self.run.output)):
            if listed.modified_at < since:
                continue
            stored = self.storage.read(self.run.output.bucket, listed.key)
            if stored is None:
                continue
            intent = Intent.model_validate_json(stored.body)
            if intent.run_id == self.run.run_id:
                yield intent


class _Requests:
    """Amounts by request id, each counted once however often it is told; on disk, for a run may have millions (I6)."""

    def __init__(self) -> None:
        self._book = sqlite3.connect("", isolation_level=None)  # an empty name is a private file that nobody sees
        self._book.execute("PRAGMA synchronous = OFF")
        self._book.execute("CREATE TABLE requests (id TEXT PRIMARY KEY, cost_usd REAL, audio_s REAL) WITHOUT ROWID")

    def put(self, request_id: str, amount: Amount) -> None:
        """Notes what a request has used, in place of what was noted before."""
        self._book.execute(
            "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", (request_id, amount.cost_usd, amount.audio_s)
        )

    def __contains__(self, request_id: str | None) -> bool:
        return self._book.execute("SELECT 1 FROM requests WHERE id = ?", (request_id,)).fetchone() is not None

    def total(self) -> Amount:
        """The sum over all requests."""
        cost_usd, audio_s = self._book.execute("SELECT total(cost_usd), total(audio_s) FROM requests").fetchone()
        return Amount(cost_usd, audio_s)

    def close(self) -> None:
        """Throws the book away."""
        self._book.close()
