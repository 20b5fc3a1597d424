"""The budget in Redis or Valkey: one hash per run at `{prefix}budget:{run_id}`, one atomic Lua script per act.

Wiped, it is unknown and grants nothing, until a dispatcher opens it again out of S3 (I3).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.limits.amounts import Whole, WholeCeiling, budget_reached, budget_unknown, rounded_down, rounded_up
from pipeline.limits.base import Amount, Budget, BudgetUse, Ceiling
from pipeline.redis_server import Client, asking, lua

# What tells of a budget's use, in the order in which `_use` reads it.
_FIELDS = [
    "epoch",
    "is_reached",
    "ceiling_micro_usd",
    "ceiling_audio_ms",
    "spent_micro_usd",
    "spent_audio_ms",
    "reserved_micro_usd",
    "reserved_audio_ms",
]


class RedisBudget(Budget):
    """`client` is one that `connect` made."""

    def __init__(self, client: Client, *, key_prefix: str) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._prefix = f"{key_prefix}budget:"
        book = lua("pipeline.limits", "budget_book")
        self._open = client.register_script(book + lua("pipeline.limits", "budget_open"))
        self._raise = client.register_script(book + lua("pipeline.limits", "budget_raise"))
        self._reserve = client.register_script(book + lua("pipeline.limits", "budget_reserve"))
        self._withdraw = client.register_script(book + lua("pipeline.limits", "budget_withdraw"))
        self._settle = client.register_script(book + lua("pipeline.limits", "budget_settle"))

    def open(self, run_id: str, ceiling: Ceiling, *, spent: Amount, reserved: Mapping[str, Amount]) -> None:
        """See `Budget.open`."""
        told: list[str | int] = [uuid.uuid4().hex, *_texts(ceiling), *rounded_up(spent)]
        for job_id, amount in reserved.items():
            told += [job_id, *rounded_up(amount)]
        with asking(self._client):
            self._open([self._key(run_id)], told)

    def raise_ceiling(self, run_id: str, ceiling: Ceiling) -> bool:
        """See `Budget.raise_ceiling`."""
        with asking(self._client):
            return bool(self._raise([self._key(run_id)], _texts(ceiling)))

    def use(self, run_id: str) -> BudgetUse | None:
        """See `Budget.use`."""
        with asking(self._client):
            fields = self._client.hmget(self._key(run_id), _FIELDS)
        return None if fields[0] is None else _use(fields)

    def reserve(self, run_id: str, job_id: str, amount: Amount) -> str:
        """See `Budget.reserve`. The ticket names the epoch too."""
        own = uuid.uuid4().hex
        with asking(self._client):
            answer = self._reserve([self._key(run_id)], [job_id, *rounded_up(amount), own, *_FIELDS])
        if not answer:
            raise budget_unknown(run_id)
        epoch, *fields = answer
        if fields:
            raise budget_reached(run_id, _use(fields), amount)
        return f"{epoch}:{own}"

    def is_valid(self, run_id: str, job_id: str, ticket: str) -> bool:
        """See `Budget.is_valid`."""
        with asking(self._client):
            epoch, reservation = self._client.hmget(self._key(run_id), ["epoch", f"job:{job_id}"])
        opened, _, own = ticket.partition(":")
        return opened == epoch and reservation is not None and f"{own}," in reservation

    def withdraw(self, run_id: str, job_id: str, ticket: str) -> None:
        """See `Budget.withdraw`."""
        with asking(self._client):
            self._withdraw([self._key(run_id)], [job_id, ticket.partition(":")[2]])

    def settle(self, run_id: str, job_id: str, amount: Amount) -> None:
        """See `Budget.settle`."""
        with asking(self._client):
            self._settle([self._key(run_id)], [job_id, *rounded_up(amount)])

    def close(self, run_id: str) -> None:
        """See `Budget.close`."""
        with asking(self._client):
            self._client.delete(self._key(run_id))

    def _key(self, run_id: str) -> str:
        return f"{self._prefix}{run_id}"


def _texts(ceiling: Ceiling) -> list[str]:
    return ["" if limit is None else str(limit) for limit in rounded_down(ceiling)]


def _use(fields: Sequence[str | None]) -> BudgetUse:
    is_reached, most_usd, most_audio, *amounts = (None if text is None else int(text) for text in fields[1:])
    spent_usd, spent_audio, reserved_usd, reserved_audio = (number or 0 for number in amounts)
    return BudgetUse(
        WholeCeiling(most_usd, most_audio).ceiling(),
        spent=Whole(spent_usd, spent_audio).amount(),
        reserved=Whole(reserved_usd, reserved_audio).amount(),
        is_reached=bool(is_reached),
    )
