"""How long a result can be fetched (docs/fal.md section 7): the first clock only, which is the one to be afraid of."""

from emulator.fal.request import FalRequest

KEPT_S = 3600.0
LARGE_RESULT_BYTES = 10 * 1024
LARGE_KEPT_S = 360.0


def is_expired(request: FalRequest, now: float, time_factor: float) -> bool:
    """True when fal has forgotten the result: after 1 h, or after 6 min if it has 10 KB or more."""
    if request.outcome is None or request.ended_at is None:
        return False
    kept_s = LARGE_KEPT_S if len(request.outcome.body) >= LARGE_RESULT_BYTES else KEPT_S
    return now >= request.ended_at + kept_s / time_factor
