"""What the history still holds of a request that the queue has forgotten (docs/fal.md section 7). Pure."""

from __future__ import annotations

import json
from http import HTTPStatus

from pipeline.errors import NightscribeError, ServiceUnavailableError
from pipeline.models import Answer, Recipe
from pipeline.redaction import redact_json
from pipeline.speech.fal.failures import result_failure
from pipeline.speech.fal.history_page import Row
from pipeline.speech.fal.models import model_for
from pipeline.speech.fal.wire import Reply, StatusAnswer


def stored_answer(
    row: Row, recipe: Recipe, known: StatusAnswer | None, request_id: str
) -> Answer | NightscribeError | None:
    """The answer, or the error with which the request ended; None when nothing of it is stored.

    `known` is the status that said COMPLETED, when remembered. The bill is not in the history.
    """
    if not row.is_over and row.output is None:
        return ServiceUnavailableError(
            f"fal's queue does not know request {request_id}, but its history shows it as not ended. It is read again.",
            reason="still_in_progress",
        )
    status = row.status_code
    if status is None and known is not None and known.is_completed and not known.is_failed:
        status = HTTPStatus.OK
    if status is None:
        return None
    if status >= HTTPStatus.BAD_REQUEST:
        content = b"" if row.output is None else json.dumps(row.output).encode()
        failed = StatusAnswer(status="COMPLETED", error=f"HTTP {status} in fal's request history")
        confirmed = known if known is not None and known.is_failed else failed
        return result_failure(Reply(status, {}, content), confirmed, request_id).error
    if not Reply(status).is_success or row.output is None:
        return None
    raw = redact_json(row.output)
    inference_s = known.inference_s if known is not None else None
    return Answer(
        transcript=model_for(recipe.endpoint_id).transcript(raw, recipe.arguments),
        raw=raw,
        inference_s=inference_s if inference_s is not None else row.duration_s,
    )
