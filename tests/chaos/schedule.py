"""What is done to whom, and when: drawn from the seed alone, before anything runs. Pure.

An event comes when a share of the archive has been billed, and then a little later. So a run on a slow machine meets
the same events at the same points of its work as one on a fast machine, and none of them is left over at the end.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chaos.s3_proxy import Moment
from chaos.sizes import Size

# Nothing is done at the very beginning, when there is nothing to break, nor when the last jobs are under way.
_SHARES = (0.01, 0.9)
_PAUSE_S = (0.1, 1.2)
_FREEZE_S = (3.5, 12.5)  # longer than the leases, and sometimes than a presigned URL opens
_AWAY_S = (0.2, 1.5)
_STORM_S = (1.5, 3.0)
_BROWN_OUT_S = (0.8, 2.0)


class Act(StrEnum):
    """What is done."""

    KILL_WORKER = "kill -9 a worker"
    KILL_DISPATCHER = "kill -9 the dispatcher"
    KILL_REDIS = "kill -9 Redis; it comes back with its data"
    KILL_REDIS_FOR_GOOD = "kill -9 Redis; it comes back empty"
    FLUSH_REDIS = "FLUSHALL"
    DROP_REDIS = "drop all connections to Redis"
    FREEZE_WORKER = "SIGSTOP a worker, then SIGCONT"
    FREEZE_DISPATCHER = "SIGSTOP the dispatcher, start another one, then SIGCONT"
    STORM = "fal refuses submissions with 429"
    BROWN_OUT = "S3 answers 503 SlowDown to everything"


KILLS = frozenset({Act.KILL_WORKER, Act.KILL_DISPATCHER, Act.KILL_REDIS, Act.KILL_REDIS_FOR_GOOD})
_LASTING = {
    Act.KILL_REDIS: _AWAY_S,
    Act.KILL_REDIS_FOR_GOOD: _AWAY_S,
    Act.FREEZE_WORKER: _FREEZE_S,
    Act.FREEZE_DISPATCHER: _FREEZE_S,
    Act.STORM: _STORM_S,
    Act.BROWN_OUT: _BROWN_OUT_S,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One act: due `pause_s` after the event before it, once `share` of the archive has been billed."""

    share: float
    pause_s: float
    act: Act
    target: int
    """Which of the processes that can be hit; taken modulo their number."""
    moment: Moment | None
    """For a kill: wait for the victim's next PUT to S3. None: at once."""
    lasts_s: float

    def __str__(self) -> str:
        until = f", for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.act}{until}" + (f", {self.moment}" if self.moment else "")


def schedule(seed: int, size: Size) -> list[Event]:
    """The events of a run in their order; the same for the same seed and size."""
    dice = random.Random(f"schedule:{seed}")
    acts = list(_acts(size))
    dice.shuffle(acts)
    shares = sorted(dice.uniform(*_SHARES) for _ in acts)
    return [_event(share, act, dice) for share, act in zip(shares, acts, strict=True)]


def counted(events: Iterable[Event]) -> Counter[str]:
    """How many of each act."""
    return Counter(event.act.value for event in events)


def _acts(size: Size) -> Iterable[Act]:
    yield from [Act.KILL_WORKER] * size.kill_workers
    yield from [Act.KILL_DISPATCHER] * size.kill_dispatchers
    yield from [Act.KILL_REDIS] * size.kill_redis
    yield from [Act.KILL_REDIS_FOR_GOOD] * size.kill_redis_for_good
    yield from [Act.FLUSH_REDIS] * size.flushes
    yield from [Act.DROP_REDIS] * size.redis_drops
    yield from [Act.FREEZE_WORKER] * size.freezes
    yield from [Act.FREEZE_DISPATCHER] * size.rivals
    yield from [Act.STORM] * size.storms
    yield from [Act.BROWN_OUT] * size.brown_outs


def _event(share: float, act: Act, dice: random.Random) -> Event:
    # Every number is drawn for every event, needed or not: so a new kind of act changes nothing about the others.
    pause_s, target, moment_at = dice.uniform(*_PAUSE_S), dice.randrange(1 << 16), dice.random()
    lasts_at = dice.random()
    moment = None
    if act in (Act.KILL_WORKER, Act.KILL_DISPATCHER):
        moment = Moment.BEFORE_PUT if moment_at < 0.25 else Moment.AFTER_PUT if moment_at < 0.55 else None
    shortest, longest = _LASTING.get(act, (0.0, 0.0))
    lasts_s = shortest + lasts_at * (longest - shortest)
    return Event(round(share, 4), round(pause_s, 2), act, target, moment, round(lasts_s, 2))
