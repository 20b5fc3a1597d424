"""How long fal keeps what (docs/fal.md section 7): a result at its URL, and the payloads in the request history.

fal says that the URL goes on answering while payloads are stored; here it does not: the case to be afraid of.
"""

from emulator.fal.request import FalRequest

KEPT_S = 3600.0
LARGE_RESULT_BYTES = 10 * 1024
LARGE_KEPT_S = 360.0
PAYLOAD_KEPT_S = 30 * 86_400.0
LARGEST_PAYLOAD_BYTES = 1024 * 1024


def is_expired(request: FalRequest, now: float, time_factor: float) -> bool:
    """True when fal has forgotten the result: after 1 h, or after 6 min if it has 10 KB or more; or was told to."""
    if request.outcome is None or request.ended_at is None:
        return False
    if request.are_payloads_deleted:
        return True
    return now >= request.ended_at + kept_s(request) / time_factor


def kept_s(request: FalRequest) -> float:
    """How long fal surely keeps the result of a request after its end, and tries to call back."""
    is_large = request.outcome is not None and len(request.outcome.body) >= LARGE_RESULT_BYTES
    return LARGE_KEPT_S if is_large else KEPT_S


def stores_input(request: FalRequest, now: float, time_factor: float) -> bool:
    """True while the history shows what was sent: for 30 days, unless the caller refused with X-Fal-Store-IO."""
    is_kept = request.stores_io and not request.are_payloads_deleted
    return is_kept and now < (request.ended_at or now) + PAYLOAD_KEPT_S / time_factor


def stores_output(request: FalRequest, now: float, time_factor: float) -> bool:
    """True while the history shows what was answered: as the input, and at most 1 MB."""
    outcome = request.outcome
    is_small = outcome is not None and len(outcome.body) <= LARGEST_PAYLOAD_BYTES
    return is_small and stores_input(request, now, time_factor)
