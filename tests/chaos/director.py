"""Carries the schedule out: waits for each event's share of the work, then hits its victim. One event at a time."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chaos import fal_faults
from chaos.crew import Crew, Member
from chaos.schedule import KILLS, Act, Event
from chaos.stand import Stand

_RIVAL_AFTER_S = 2.5  # longer than the lease of a dispatcher
_PUT_WITHIN_S = 4.0  # a victim that writes nothing for so long is hit where it is


@dataclass
class Director:
    """What has been done and is to be done. `tick` is called several times a second, from one thread."""

    stand: Stand
    crew: Crew
    events: list[Event]
    say: Callable[[str], None]
    done: Counter[Act] = field(default_factory=Counter)
    _due_at: float | None = None
    _victim: Member | None = None
    _kill: Callable[[], None] | None = None
    _hit_by: float = 0.0
    _undo: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _ticket: Iterator[int] = field(default_factory=itertools.count)
    """Keeps acts that are due at the same time in their order."""
    _redis_is_away: bool = False

    @property
    def kills(self) -> int:
        """Processes that were ended by SIGKILL."""
        return sum(self.done[act] for act in KILLS)

    def tick(self, share: float) -> None:
        """Does what is due, now that this share of the archive has been billed."""
        now = time.monotonic()
        while self._undo and self._undo[0][0] <= now:
            heapq.heappop(self._undo)[2]()
        if self._victim is not None:
            self._await_kill(now)
            return
        if not self.events or self.events[0].share > share:
            return
        if self._due_at is None:
            self._due_at = now + self.events[0].pause_s
        if now >= self._due_at and self._begin(self.events[0], now):
            self._due_at = None

    def finish(self) -> None:
        """Ends whatever still lasts."""
        while self._undo:
            heapq.heappop(self._undo)[2]()

    def _begin(self, event: Event, now: float) -> bool:
        """Does an event, or sees that it cannot be done yet."""
        match event.act:
            case Act.KILL_WORKER:
                return self._aim(event, self.crew.hit_as_workers, now)
            case Act.KILL_DISPATCHER:
                return self._aim(event, self.crew.dispatchers, now)
            case Act.FREEZE_WORKER:
                victim = _chosen(event, self.crew.hit_as_workers)
                if victim is None:
                    return False
                victim.freeze()
                self._later(now + event.lasts_s, victim.thaw)
            case Act.FREEZE_DISPATCHER:
                if not self.crew.dispatcher.is_at_work:
                    return False
                self.crew.dispatcher.freeze()
                self._later(now + _RIVAL_AFTER_S, self.crew.start_rival)
                self._later(now + event.lasts_s, self.crew.dispatcher.thaw)
            case _ if self._redis_is_away:
                return False
            case _:
                self._hit_a_server(event, now)
        self._note(event, "")
        return True

    def _hit_a_server(self, event: Event, now: float) -> None:
        match event.act:
            case Act.KILL_REDIS | Act.KILL_REDIS_FOR_GOOD:
                self._kill_redis(event, now)
            case Act.FLUSH_REDIS:
                self.stand.flush_redis()
            case Act.DROP_REDIS:
                self.stand.redis_proxy.drop_all()
            case Act.STORM:
                self.stand.fault(fal_faults.storm())
                self._later(now + event.lasts_s, lambda: self.stand.fault(fal_faults.usual()))
            case Act.BROWN_OUT:
                self.stand.s3_proxy.is_browned_out = True
                self._later(now + event.lasts_s, self._end_brown_out)

    def _aim(self, event: Event, candidates: list[Member], now: float) -> bool:
        victim = _chosen(event, candidates)
        if victim is None:
            return False
        kill = victim.killer()
        if event.moment is None:
            kill()
        else:
            self.stand.s3_proxy.at_next_put(victim.name, event.moment, kill)
            self._victim, self._kill, self._hit_by = victim, kill, now + _PUT_WITHIN_S
        self._note(event, victim.name)
        return True

    def _await_kill(self, now: float) -> None:
        victim, kill = self._victim, self._kill
        if victim is None or kill is None or (victim.is_running and now < self._hit_by):
            return
        if self.stand.s3_proxy.forget_watch(victim.name):
            kill()
        self._victim = None

    def _kill_redis(self, event: Event, now: float) -> None:
        redis = self.stand.stack.redis
        redis.kill()
        self._redis_is_away = True

        def start_again() -> None:
            if event.act is Act.KILL_REDIS_FOR_GOOD:
                self.stand.forget_redis()
            redis.start()
            self._redis_is_away = False

        self._later(now + event.lasts_s, start_again)

    def _end_brown_out(self) -> None:
        self.stand.s3_proxy.is_browned_out = False

    def _later(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (at, next(self._ticket), act))

    def _note(self, event: Event, whom: str) -> None:
        self.events.pop(0)
        self.done[event.act] += 1
        self.say(f"{whom or '-':12} {event}")


def _chosen(event: Event, candidates: list[Member]) -> Member | None:
    able = [member for member in candidates if member.is_at_work]
    return able[event.target % len(able)] if able else None
