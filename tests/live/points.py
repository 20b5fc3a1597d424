"""What `make live` asks: each point with what the code takes for true. With `unasked` the table of docs/fal-live.md."""

from __future__ import annotations

from live import judging as judged
from live.point import Point

ASKED = (
    Point(
        "key-check",
        "a random request's status, with this key and a wrong one",
        "404 and 401",
        "reported",
        True,
        judged.key_check,
    ),
    Point(
        "price-list", "the price list", "`prices` of endpoint, unit and price", "documented", True, judged.price_list
    ),
    Point(
        "price-units",
        "units of the known models",
        "a length of audio, but for whisper and wizper",
        "reported",
        False,
        judged.price_units,
    ),
    Point("webhook-keys", "`jwks.json`", "at least one Ed25519 key", "reported", True, judged.webhook_keys),
    Point("upload", "our upload, and opening its URL without a key", "200", "verified", True, judged.upload),
    Point(
        "submit-code",
        "the answer to a submission",
        "2xx (200 or 202) with an id and three URLs",
        "documented",
        True,
        judged.submit_code,
    ),
    Point(
        "early-result",
        "a result that is not there yet",
        '400, "Request is still in progress"',
        "reported",
        False,
        judged.early_result,
    ),
    Point(
        "states",
        "states and codes while waiting",
        "three states; 202, then 200",
        "documented",
        True,
        judged.states,
    ),
    Point("result-again", "a result that was read", "can be read again", "inferred", True, judged.result_again),
    Point(
        "billable-units",
        "`x-fal-billable-units` of five seconds",
        "there; fits the unit of the price list",
        "documented",
        False,
        judged.billable_units,
    ),
    Point(
        "no-diarization",
        "`diarization_segments` without `diarize`",
        "null, empty or absent",
        "unknown",
        False,
        judged.no_diarization,
    ),
    Point(
        "unknown-argument",
        "whisper and an argument that it does not know",
        "accepted",
        "reported",
        False,
        judged.unknown_argument,
    ),
    Point(
        "wizper-words",
        "wizper and `chunk_level: word`",
        "not known; refused or chunks as ever",
        "unknown",
        False,
        judged.wizper_words,
    ),
    Point(
        "failure-replay",
        "the result of a failed request",
        "COMPLETED with `error`; 4xx with `detail`",
        "inferred",
        True,
        judged.failure_replay,
    ),
    Point(
        "failure-bill",
        "the units of junk and of a missing file",
        "0: a failed download is free",
        "inferred",
        True,
        judged.failure_bill,
    ),
    Point(
        "cancel-code", "cancelling at once", "200, 202, or 400 when too late", "documented", True, judged.cancel_code
    ),
    Point(
        "cancelled-result",
        "status, result and bill of what was cancelled",
        "COMPLETED; a failure, unbilled, or the result",
        "inferred",
        True,
        judged.cancelled_result,
    ),
    Point("history-key", "whether this key may read the history", "200", "reported", True, judged.history_key),
    Point(
        "history-waiting",
        "whether a request is shown before its end",
        "not known; both are held for possible",
        "unknown",
        False,
        judged.history_waiting,
    ),
    Point(
        "history-url",
        "`json_input.audio_url` of what has ended",
        "shown, exactly as it was sent",
        "inferred",
        True,
        judged.history_url,
    ),
    Point(
        "history-failure",
        "the row of a failed request",
        "`status_code` of 400 or more",
        "documented",
        True,
        judged.history_failure,
    ),
    Point(
        "not-stored", "the row after `X-Fal-Store-IO: 0`", "no input, or no row", "documented", False, judged.not_stored
    ),
    Point(
        "deletion",
        "deleting payloads, twice, with this key",
        "2xx or 404; the row has no input then",
        "reported",
        True,
        judged.deletion,
    ),
    Point(
        "xai-fields",
        "the fields of an answer of xAI",
        "`text`, `language`, `words`",
        "inferred",
        True,
        judged.xai_fields,
    ),
    Point(
        "nemotron-fields",
        "the fields of multilingual Nemotron",
        "`output`, `partial`",
        "inferred",
        True,
        judged.nemotron_fields,
    ),
    Point(
        "fallback", "`X-Fal-Served-From`", "absent, or the model that was asked", "documented", False, judged.fallback
    ),
    Point("retry-after", "`Retry-After` on any answer", "may come; obeyed", "unknown", False, judged.retry_after),
)
