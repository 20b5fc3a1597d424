"""What the looks at one request tell of its way through fal: how long it was queued, ran, and took as a whole.

All but fal's own measure may be too long by the pause before the look that noticed it (docs/fal.md section 3).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from pipeline.meters import FAL_QUEUE_S, FAL_RUN_S, FAL_SERVICE_S, Meters
from pipeline.speech.fal.wire import StatusAnswer

# Whoever takes up a dead worker's request did not see it leave the queue, nor perhaps end: fal's own measure counts.
_SEEN_FROM_THE_START_S = 30.0
_QUEUED = "IN_QUEUE"


class Passage:
    """One request on its way. `waited_s` is its age when the looks begin."""

    def __init__(self, endpoint_id: str, waited_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._endpoint_id = endpoint_id
        self._clock = clock
        self._submitted_at = clock() - waited_s
        self._is_whole = waited_s < _SEEN_FROM_THE_START_S
        self._began_s: float | None = None

    async def seen(self, look: Awaitable[StatusAnswer]) -> StatusAnswer:
        """Passes a look's answer on, and notes when the first one found the request running."""
        answer = await look
        if answer.status == _QUEUED:
            self._began_s = None  # fal may put a running request back
        elif not answer.is_completed and self._began_s is None:
            self._began_s = self._age_s()
        return answer

    def tell(self, meters: Meters, completed: StatusAnswer) -> None:
        """Measures a request that was just seen completed. A failed one says nothing about how long the work takes."""
        if completed.is_failed:
            return
        if completed.inference_s is not None:
            meters.observe(FAL_RUN_S, completed.inference_s, self._endpoint_id)
        if not self._is_whole:
            return
        service_s = self._age_s()
        meters.observe(FAL_SERVICE_S, service_s, self._endpoint_id)
        if completed.inference_s is not None:
            began_s = max(0.0, service_s - completed.inference_s)
            meters.observe(FAL_QUEUE_S, min(began_s, self._began_s or began_s), self._endpoint_id)
        elif self._began_s is not None:
            meters.observe(FAL_QUEUE_S, self._began_s, self._endpoint_id)
            meters.observe(FAL_RUN_S, service_s - self._began_s, self._endpoint_id)

    def _age_s(self) -> float:
        return self._clock() - self._submitted_at
