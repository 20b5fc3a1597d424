"""One trial: a contestant transcribes the archive under the schedule of faults, and is judged."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.contestants import Contestant, Nightscribe, Over
from chaos.crew import Crew, Member
from chaos.director import Director
from chaos.evidence import gather
from chaos.judge import Verdict, judge
from chaos.recordings import recordings
from chaos.schedule import Act, counted, schedule
from chaos.sizes import Size
from chaos.stand import Stand

_TICK_S = 0.03
_BOOKS_EVERY_S = 0.3
_SAY_EVERY_S = 5.0
_MEMORY_EVERY_S = 2.0
_OWN_FAULT = re.compile(r'"event": "(\w+_by_our_fault)"')

Say = Callable[[str], None]


@dataclass
class Trial:
    """What came of it."""

    contestant: str
    seed: int
    size: Size
    verdict: Verdict
    took_s: float
    kills: int
    done: Counter[Act]
    events_left: int
    """Of the schedule, when the work was done."""
    faults: Counter[str]
    """What the proxies did on top of the events."""
    codes: dict[str, Counter[int]]
    """How the processes ended, by name and exit code."""
    memory_mb: dict[str, tuple[float, ...]]
    """The most that any process of a role took in each third of the time."""
    troubles: list[str] = field(default_factory=list)
    """What the harness itself noticed."""

    @property
    def failures(self) -> list[str]:
        """Everything that must not be. Empty when the promise was kept."""
        return [*self.troubles, *self.verdict.failures]


def run_trial(
    make: Callable[[Stand], Contestant], size: Size, seed: int, folder: Path, *, say: Say = lambda _line: None
) -> Trial:
    """Runs one contestant from the first start to the verdict. Ends all processes, whatever happens."""
    events = schedule(seed, size)
    for act, number in sorted(counted(events).items()):
        say(f"  {number:4}  {act}")
    with Stand(folder, size, seed) as stand:
        archive = list(recordings(size.objects, size.bad, seed))
        stand.put(archive)
        contestant = make(stand)
        began = time.monotonic()
        with _crew(contestant, stand) as crew:
            director = Director(stand, crew, events, _timed(say, began))
            troubles = _carry_through(contestant, stand, crew, director, say, began)
        troubles += _own_faults(stand.folder / "logs")
        took_s = time.monotonic() - began
        evidence = gather(
            stand,
            archive,
            began_at=time.time() - (time.monotonic() - began),
            ceilings=contestant.ceilings,
        )
        verdict = judge(evidence, is_ours=isinstance(contestant, Nightscribe))
        return Trial(
            contestant=contestant.name,
            seed=seed,
            size=size,
            verdict=verdict,
            took_s=took_s,
            kills=director.kills,
            done=director.done,
            events_left=len(director.events),
            faults=stand.s3_proxy.faults + stand.redis_proxy.faults,
            codes={member.name: member.codes for member in crew.members},
            memory_mb={role: _thirds(peaks) for role, peaks in crew.peaks_kb.items()},
            troubles=troubles,
        )


def _crew(contestant: Contestant, stand: Stand) -> Crew:
    logs = stand.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)

    def member(name: str, command: Sequence[str]) -> Member:
        environment = stand.environment_of(name) | contestant.environment()
        return Member(name, command, environment, logs / f"{name}.log", lambda name=name: stand.s3_proxy.calls_of(name))

    names = [f"worker-{number + 1}" for number in range(contestant.workers)]
    workers = [member(name, contestant.worker(name)) for name in names]
    dispatcher = member("dispatcher", contestant.dispatcher())
    return Crew(workers, dispatcher, member("rival", dispatcher.command) if contestant.has_rival else None)


def _carry_through(
    contestant: Contestant, stand: Stand, crew: Crew, director: Director, say: Say, began: float
) -> list[str]:
    """Tends the processes and does what the schedule says until the contestant is done. Returns what went wrong."""
    size = stand.size
    billed = 0
    next_books = next_line = next_sample = began
    while True:
        now = time.monotonic()
        if (code := crew.tend()) is not None:
            step = contestant.after(code)
            if isinstance(step, Over):
                director.finish()
                return []
            crew.dispatcher.wait(step.after_s)
            crew.dispatcher.command = contestant.dispatcher()
        if now >= next_books:
            billed, next_books = stand.ledger(rows=False)["objects_billed"], now + _BOOKS_EVERY_S
        director.tick(billed / size.objects)
        if now >= next_sample:
            crew.sample_memory()
            next_sample = now + _MEMORY_EVERY_S
        if now >= next_line:
            say(f"{now - began:6.0f} s  {billed} of {size.objects} billed, {director.kills} of {size.kills} kills")
            next_line = now + _SAY_EVERY_S
        if now - began > size.patience_s:
            director.finish()
            return [f"not done after {size.patience_s:.0f} s: {billed} of {size.objects} billed"]
        time.sleep(_TICK_S)


def _own_faults(logs: Path) -> list[str]:
    """What the software itself calls its own fault: no failure of a service may end up there."""
    found = Counter(
        f"{log.stem} logged {event}"
        for log in sorted(logs.glob("*.log"))
        for line in log.read_text(errors="replace").splitlines()
        for event in _OWN_FAULT.findall(line)
    )
    return [f"{number}x {what}" for what, number in found.items()]


def _timed(say: Say, began: float) -> Say:
    return lambda line: say(f"{time.monotonic() - began:6.1f} s    {line}")


def _thirds(peaks_kb: list[int]) -> tuple[float, ...]:
    third = max(1, len(peaks_kb) // 3)
    return tuple(round(max(peaks_kb[at : at + third], default=0) / 1024, 1) for at in (0, third, 2 * third))
