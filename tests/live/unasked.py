"""What only a real account can tell, and `make live` does not ask, with the reason."""

from __future__ import annotations

from live.point import Point

UNASKED = (
    Point(
        "result-life",
        "a result URL after an hour, and its answer",
        "404 or 410",
        "unknown",
        True,
        why_not="takes an hour",
    ),
    Point(
        "history-lag",
        "how late the history may be at worst",
        "below `fal.history_lag_s`",
        "unknown",
        True,
        why_not="one request shows one delay: see history-url",
    ),
    Point(
        "history-times",
        "what `start` and `end` of a question mean",
        "any of three: two minutes on both sides",
        "unknown",
        True,
        why_not="takes requests that wait for minutes",
    ),
    Point(
        "busy",
        "the body of a 429; a limit on polls",
        "429 in any form; none",
        "reported",
        False,
        why_not="takes a flood",
    ),
    Point(
        "locked",
        "the answer to a locked account",
        '403 with "locked"',
        "reported",
        True,
        why_not="takes an account without a balance",
    ),
    Point(
        "webhook",
        "delivery and signature of a webhook",
        "section 8",
        "reported",
        True,
        why_not="takes an address that fal can reach",
    ),
    Point(
        "real-prices",
        "what whisper, wizper and diarization really cost",
        "not known: must be configured",
        "unknown",
        False,
        why_not="is on the bill, a day later",
    ),
    Point(
        "longest",
        "greatest length and size of audio; longest processing",
        "below `fal.wait_timeout_s`",
        "unknown",
        True,
        why_not="costs hours of audio",
    ),
    Point(
        "start-deadline",
        "`X-Fal-Request-Timeout` in the queue",
        "504, unbilled",
        "documented",
        True,
        why_not="takes a full queue",
    ),
    Point("tags", "searching for tags; an idempotency header", "none", "unknown", False, why_not="nothing rests on it"),
    Point("direct", "time limits of direct calls", "not used", "unknown", False, why_not="nothing rests on it"),
)
