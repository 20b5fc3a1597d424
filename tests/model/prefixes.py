"""The protocol as a tree: where a worker stands is the tuple of answers that it has got so far.

A generator cannot be copied, so a place in the tree is reached by performing the real generator anew from its start;
each place is computed once. Acts that the world has no part in are answered here, at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Hashable, Iterator
from typing import Any, NamedTuple

from model.frames import knowledge
from model.words import SETTINGS, Answer, Words, request_number

from pipeline.transcribe import acts, protocol
from pipeline.transcribe.rules import Rules

Op = tuple[Any, ...]
"""What a worker wants to do next, as a value: the act's name, then what the world must know of it."""

NONE: Answer = ("none",)


class Place(NamedTuple):
    """A worker's place in the protocol."""

    op: Op
    job: int
    token: int
    """The fencing token that the worker has got; 0 before that."""
    urls: frozenset[int]
    """The URLs that it knows of."""
    ticket: int
    """Of its reservation."""
    answers: tuple[Answer, ...]


class _EvenJitter:
    """Delays decide nothing here, and must be the same whenever a place is reached anew."""

    @staticmethod
    def uniform(low: float, high: float) -> float:
        return (low + high) / 2


class Prefixes:
    """All places that were reached, as numbers."""

    def __init__(self, words: Words, silent: dict[str, Answer]) -> None:
        """`silent`: the acts that are answered at once, always alike."""
        self._words = words
        self._silent = silent
        self._rules = Rules(SETTINGS, "worker", _EvenJitter())  # type: ignore[arg-type]
        self._roots: dict[tuple[int, bool], int] = {}
        self.steps: dict[tuple[int, Answer], int] = {}
        """Where an answer leads to from a place."""
        self._generators: dict[int, Generator[Any, Any, Any]] = {}
        self._tired: list[bool] = []
        self._same: dict[Hashable, int] = {}
        self.places: list[Place] = []
        self.merged: list[tuple[int, tuple[Answer, ...]]] = []
        """Places that were reached by other answers than their own, and by which."""

    def start(self, job: int, *, tired: bool) -> int:
        """The first place of a job. `tired`: it was put off as often as the settings allow."""
        root = self._roots.get((job, tired))
        if root is None:
            generator = self._work(job, tired=tired)
            place = Place((), job, 0, frozenset(), 0, ())
            root = self._roots[job, tired] = self._keep(generator, lambda: next(generator), place, tired=tired)
        return root

    def after(self, number: int, answer: Answer) -> int:
        """The place that follows when the act of this place is answered so."""
        found = self.steps.get((number, answer))
        if found is None:
            place, tired = self.places[number], self._tired[number]
            generator = self._generators.pop(number, None) or self._replayed(place, tired=tired)
            told = place._replace(
                answers=(*place.answers, answer),
                token=answer[1] if answer[0] == "token" else place.token,
                ticket=answer[1] if answer[0] == "ticket" else place.ticket,
            )
            found = self._keep(generator, lambda: self._tell(generator, answer, place.job), told, tired=tired)
            self.steps[number, answer] = found
        return found

    def ops(self, number: int, answers: tuple[Answer, ...]) -> list[Op]:
        """What the job of a place wants to do, from its start on, when it is answered so. For tests."""
        place = self.places[number]
        generator = self._work(place.job, tired=self._tired[number])
        found = []
        try:
            act = self._through_silence(generator, next(generator), place.job)
            for answer in answers:
                found.append(_op_of(act, self._words))
                act = self._through_silence(generator, self._tell(generator, answer, place.job), place.job)
        except StopIteration as end:
            return [*found, ("End", type(end.value).__name__)]
        except Exception as error:  # noqa: BLE001  as when it is explored
            return [*found, ("End", type(error).__name__)]
        return [*found, _op_of(act, self._words)]

    def _urls_in(self, known: Hashable) -> Iterator[int]:
        """The URLs that the generator can still send, or find in an intent that it may still write."""
        match known:
            case ("Intent", int(number)):
                facts = self._words.intent_facts[number]
                if facts:
                    yield facts.url
            case ("SignedUrl" | "AudioUrl", (str(url), *_)):
                yield self._words.url(url)
            case tuple():
                for part in known:
                    yield from self._urls_in(part)

    def _work(self, job: int, *, tired: bool) -> Generator[Any, Any, Any]:
        deferrals = SETTINGS.retry.max_deferrals if tired else 0
        return protocol.work(self._words.jobs[job], self._rules, deferrals=deferrals)

    def _replayed(self, place: Place, *, tired: bool) -> Generator[Any, Any, Any]:
        generator = self._work(place.job, tired=tired)
        act = self._through_silence(generator, next(generator), place.job)
        for answer in place.answers:
            act = self._through_silence(generator, self._tell(generator, answer, place.job), place.job)
        if _op_of(act, self._words) != place.op:
            raise AssertionError(f"the protocol is not deterministic: {place}")
        return generator

    def _tell(self, generator: Generator[Any, Any, Any], answer: Answer, job: int) -> Any:
        real = self._words.real(answer, job)
        return generator.throw(real) if answer[0] == "raise" else generator.send(real)

    def _through_silence(self, generator: Generator[Any, Any, Any], act: Any, job: int) -> Any:
        while (answer := self._silent.get(type(act).__name__)) is not None:
            act = self._tell(generator, answer, job)
        return act

    def _keep(self, generator: Generator[Any, Any, Any], step: Callable[[], Any], place: Place, *, tired: bool) -> int:
        try:
            act = self._through_silence(generator, step(), place.job)
        except StopIteration as end:
            op: Op = ("End", type(end.value).__name__)
        except BaseException as error:  # noqa: BLE001  what the performer would raise out of the task
            op = ("End", type(error).__name__)
        else:
            op = _op_of(act, self._words)
        known = knowledge(generator, self._words.number)
        place = place._replace(op=op, urls=frozenset(self._urls_in(known)))
        number = self._same.setdefault((place._replace(answers=()), tired, known), len(self.places))
        if number == len(self.places):
            self.places.append(place)
            self._tired.append(tired)
        else:
            self.merged.append((number, place.answers))
        if known:
            self._generators[number] = generator
        return number


def _op_of(act: Any, words: Words) -> Op:  # noqa: C901, PLR0911  one line per act
    """What the world must know of an act."""
    name = type(act).__name__
    match act:
        case acts.WriteIntent(intent, etag):
            return name, words.intent(intent), _number_in(etag)
        case acts.WriteSidecar(sidecar, standing):
            return name, request_number(sidecar.request), _number_in(standing.etag)
        case acts.GiveBackPermit(given):
            return name, "lease" if given.startswith("token") else "request", _number_in(given)
        case acts.Sign(_, uploaded):
            return (name, words.url(uploaded.url), words.signed_at(uploaded.expires_at)) if uploaded else (name,)
        case acts.Post(url):
            return name, words.url(url.url), words.signed_at(url.expires_at)
        case acts.Find(intent):
            facts = words.intent_facts[words.intent(intent)]
            return name, facts.url if facts else 0, frozenset(request_number(request) for request in intent.past)
        case acts.Wait(request) | acts.Fetch(request) | acts.Cancel(request) | acts.CountInFlight(request):
            return name, request_number(request)
        case acts.DeletePayloads(request_id):
            return name, _number_in(request_id)
        case acts.Settle(row, lease):
            return name, words.row(row), lease is not None
        case acts.DropJob(lease):
            return name, lease is not None
        case acts.SettleCost(amount):
            return name, amount.audio_s > 0
        case _:
            return (name,)


def _number_in(name: str | None) -> int:
    """The number in a name that the world has given: "etag 3", "token 1", "r-0"."""
    return int(re.sub(r"^(?:etag |token |r-)", "", name)) if name else 0
