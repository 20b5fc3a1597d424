"""When a waiting request is looked at, and what is learned from those that are done. No I/O, no clock."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.settings.records import PollingSettings

_JITTER = 0.1  # enough that slots which started together do not stay together
_NEW_WEIGHT = 0.2  # of the newest job in the learned speed: a change of fal's speed is followed in some ten jobs


@dataclass(frozen=True)
class PollSchedule:
    """Delays between looks, for a request that is expected to take `expected_s` from its submission (None: unknown).

    Every delay is at most `max_s` or `webhook_max_s`, so that also a request which ends early is noticed. `draw` gives
    0..1.
    """

    settings: PollingSettings
    expected_s: float | None = None
    draw: Callable[[], float] = random.random
    is_called_back: bool = False
    """fal will tell when it is done; the looks are only there in case that is lost."""

    def first_s(self, elapsed_s: float) -> float:
        """The delay before the first look; 0 for a request that was submitted long ago (a resumed one)."""
        return self._jittered(self._due_s() - elapsed_s, least=0.0)

    def delay_s(self, elapsed_s: float) -> float:
        """The delay before the next look, `elapsed_s` after the submission: a share of the time already waited."""
        due = self._due_s()
        if self.is_called_back:
            return self._jittered(due, least=self.settings.min_s)
        wanted = due - elapsed_s if elapsed_s < due else self.settings.growth * elapsed_s
        return self._jittered(wanted, least=self.settings.min_s)

    def after_failures_s(self, elapsed_s: float, failures: int) -> float:
        """The same after so many unanswered looks in a row: doubling from `min_s`, still at most `max_s`."""
        return max(self.delay_s(elapsed_s), self._backoff_s(failures))

    def after_notice_s(self, elapsed_s: float, looks: int) -> float:
        """The same after so many looks that did not confirm what a webhook has told: the status may come later."""
        return min(self.delay_s(elapsed_s), self._backoff_s(looks))

    def _backoff_s(self, times: int) -> float:
        return self._jittered(self.settings.min_s * 2.0 ** min(times, 32), least=self.settings.min_s)

    def _due_s(self) -> float:
        if self.is_called_back:
            return self.settings.webhook_max_s
        if self.expected_s is None:
            return self.settings.min_s
        return self.settings.first_share * self.expected_s

    def _jittered(self, seconds: float, *, least: float) -> float:
        factor = 1 + _JITTER * (2 * self.draw() - 1)
        most = self.settings.webhook_max_s if self.is_called_back else self.settings.max_s
        return min(max(seconds, least) * factor, most)


class LearnedSpeed:
    """Processing seconds per second of audio, learned for each endpoint as a moving average. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ratios: dict[str, float] = {}

    def learn(self, endpoint_id: str, audio_s: float | None, processing_s: float | None) -> None:
        """Takes one finished request into account; unknown or senseless values are passed over."""
        if not audio_s or processing_s is None or audio_s < 0 or processing_s < 0:
            return
        ratio = processing_s / audio_s
        with self._lock:
            known = self._ratios.get(endpoint_id, ratio)
            self._ratios[endpoint_id] = known + _NEW_WEIGHT * (ratio - known)

    def expected_s(self, endpoint_id: str, audio_s: float | None) -> float | None:
        """How long audio of this length should take; None before anything is known."""
        with self._lock:
            ratio = self._ratios.get(endpoint_id)
        return None if ratio is None or audio_s is None else ratio * audio_s
