"""A checkup: lanes of checks side by side, each check bounded in time, each one's failure its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from pipeline import logs
from pipeline.errors import NightscribeError
from pipeline.redaction import redact

T = TypeVar("T")


class Verdict(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    """Work goes on, with a disadvantage that is named."""
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check saw, and what to do about it."""

    verdict: Verdict
    saw: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The same with the name of the check, without secrets."""

    name: str
    verdict: Verdict
    saw: str
    advice: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `look` may raise any `NightscribeError`, whose message says what failed."""

    name: str
    look: Callable[[], Seen]
    advice: str = ""
    """What to do when `look` raises, besides what its message says."""
    after: str = ""
    """Only asked when the check of this name, before it in the same lane, was good enough to go on."""


def ok(saw: str) -> Seen:
    """As it should be."""
    return Seen(Verdict.OK, saw)


def warning(saw: str, advice: str) -> Seen:
    """Worth a look."""
    return Seen(Verdict.WARNING, saw, advice)


def failed(saw: str, advice: str = "") -> Seen:
    """A run would fail, or not be safe."""
    return Seen(Verdict.FAILED, saw, advice)


def not_checked(saw: str, advice: str = "") -> Seen:
    """Nobody looked, and why."""
    return Seen(Verdict.NOT_CHECKED, saw, advice)


class Once(Generic[T]):
    """What several checks ask for and is made at the first; an error is raised to each of them. Thread-safe."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: T | None = None
        self._error: Exception | None = None
        self._is_made = False

    def __call__(self) -> T:
        """The thing itself. Raises what making it has raised."""
        with self._lock:
            if not self._is_made:
                try:
                    self._made = self._make()
                except Exception as error:  # noqa: BLE001  raised below, now and to all who ask later
                    self._error = error
                self._is_made = True
        if self._error is not None:
            raise self._error
        return self._made  # type: ignore[return-value]  # made: it is a T

    @property
    def made(self) -> T | None:
        """What was made so far, if anything."""
        return self._made


def checkup(lanes: Sequence[Sequence[Check]], *, within_s: float) -> list[Finding]:
    """All findings, in the order of the checks. Lanes run side by side; no check lasts longer than `within_s`."""
    # Daemon threads, which an executor's are not: after Ctrl-C nobody waits for lanes that hang.
    found: list[Future[list[Finding]]] = [Future() for _ in lanes]
    for lane, future in zip(lanes, found, strict=True):
        threading.Thread(target=_fulfil, args=(future, lane, within_s), name="lane", daemon=True).start()
    return [finding for future in found for finding in future.result()]


def _fulfil(future: Future[list[Finding]], lane: Sequence[Check], within_s: float) -> None:
    try:
        future.set_result(_lane(lane, within_s))
    except BaseException as error:  # noqa: BLE001  raised to whoever waits for it
        future.set_exception(error)


def _lane(checks: Sequence[Check], within_s: float) -> list[Finding]:
    seen: dict[str, Seen] = {}
    for check in checks:
        before = seen.get(check.after)
        if before is not None and before.verdict in {Verdict.FAILED, Verdict.NOT_CHECKED}:
            seen[check.name] = not_checked(f"It rests on the check {check.after!r}.")
        else:
            seen[check.name] = _bounded(check, within_s)
    return [Finding(name, one.verdict, redact(one.saw), redact(one.advice)) for name, one in seen.items()]


def _bounded(check: Check, within_s: float) -> Seen:
    """What the check sees in time; one that does not end is left behind."""
    answer: SimpleQueue[Seen] = SimpleQueue()

    def look() -> None:
        try:
            answer.put(check.look())
        except NightscribeError as error:
            answer.put(failed(error.message, check.advice))
        except Exception as error:  # noqa: BLE001  one check of ours that breaks must not hide the others
            logs.get_logger().exception("check_failed_by_our_fault", check=check.name)
            answer.put(failed(f"The check itself broke ({type(error).__name__}).", "Please report the log lines."))

    threading.Thread(target=look, name=check.name, daemon=True).start()
    try:
        return answer.get(timeout=within_s)
    except Empty:
        return failed(
            f"There was no answer within {within_s:g} s.", check.advice or "Check the network on the way there."
        )
