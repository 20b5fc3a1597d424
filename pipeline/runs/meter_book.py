"""What all workers of an account have counted, added up: the exporter reads it here, and no worker.

Liveness only (I3): a server that was emptied counts from zero again, which is what Prometheus expects of a counter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from pipeline.meters import Gathered


class MeterBook(ABC):
    """Sums of series. Raises `ServiceUnavailableError`."""

    @abstractmethod
    def add(self, gathered: Gathered) -> None:
        """Adds what a process has gathered.

        When it raises, nothing was added as a rule. A reply that is lost after the server has added counts twice, once
        in a while: it is tried again, for a counter may be a little too high but must not stand still.
        """

    @abstractmethod
    def read(self) -> Gathered:
        """The sum of each series so far."""
