"""One scrape: each part is read, and one that is away leaves nothing but a zero under `nightscribe_up`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline import SOFTWARE, logs
from pipeline.errors import NightscribeError
from pipeline.meters import Gathered
from pipeline.metrics.live import Live
from pipeline.metrics.nights import Nights
from pipeline.metrics.samples import Sample, sample


@dataclass
class Reading:
    """Reads Redis now, and what is known of S3."""

    live: Live
    nights: Nights
    now_epoch_s: Callable[[], float] = time.time
    _was_up: bool = field(default=True, init=False)

    def __call__(self) -> tuple[list[Sample], Gathered | None]:
        """All samples, and the meters when Redis tells them."""
        found = [sample("info", 1, SOFTWARE)]
        gathered: Gathered | None = None
        try:
            samples, gathered = self.live.read(self.now_epoch_s())
            found += samples
        except NightscribeError as error:
            if self._was_up:  # once, and not with every scrape of an outage
                logs.get_logger().warning("redis_not_read", message=error.message)
        self._was_up = gathered is not None
        found.append(sample("up", self._was_up, "redis"))
        return found + self.nights.samples(), gathered
