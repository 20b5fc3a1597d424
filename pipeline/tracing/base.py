"""What the rest of Nightscribe may say about a trace: the interface that OpenTelemetry stands behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager

from pipeline.models import Job

Value = str | int | float | bool | None
"""None says nothing: the attribute is left out."""
Attributes = Mapping[str, Value]


class Span(ABC):
    """Something that took time. Nobody puts secrets in, and what slips in is taken out before it leaves (I9)."""

    @abstractmethod
    def tell(self, **attributes: Value) -> None:
        """Adds attributes, each named `nightscribe.` and its name here."""

    @abstractmethod
    def fail(self, kind: str, reason: str, message: str) -> None:
        """Marks it as failed: the class of the error, its stable reason, and the sentence for people."""


class Traces(ABC):
    """Safe to share between threads. A span is the parent of what begins in its thread meanwhile, but for a run's."""

    @abstractmethod
    def run(self, run_id: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """A run, which is a trace of its own."""

    @abstractmethod
    def batch(self, run_id: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """A batch of jobs on its way to the queue, in the trace of the run if this process dispatches it."""

    @abstractmethod
    def planned(self, job: Job, attributes: Attributes) -> dict[str, str]:
        """The beginning of a job's trace, up to now; the message headers that carry it (W3C Trace Context)."""

    @abstractmethod
    def job(self, job: Job, message: Mapping[str, str], attributes: Attributes) -> AbstractContextManager[Span]:
        """A delivery of a job, in the trace that its message carries."""

    @abstractmethod
    def act(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """A part of what this thread's span does; an exception that leaves it marks it as failed."""

    @abstractmethod
    def event(self, name: str, attributes: Attributes) -> None:
        """A moment in what this thread's span does."""

    @abstractmethod
    def flush(self, within_s: float) -> None:
        """Sends what is held back, for so long at most. Raises nothing."""
