"""What 401, 402 and 403 say about the account (docs/fal.md section 1), as one table for all calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pipeline.errors import AccountError
from pipeline.speech.fal.wire import ErrorBody
from pipeline.speech.fal.wording import sentence

LOCKED = "account_locked"

ACCOUNT_STATUSES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "key_rejected",
    HTTPStatus.PAYMENT_REQUIRED: "payment_required",
    HTTPStatus.FORBIDDEN: "forbidden",
}
ADVICE: Mapping[str, str] = {
    "key_rejected": "Check FAL_KEY; what is begun is kept, start again with a valid key.",
    "payment_required": "Check the balance in fal's dashboard; what is begun is kept, then start again.",
    "forbidden": "Check that FAL_KEY has the API scope and may use this model, then start again.",
    LOCKED: "Top up the balance in fal's dashboard; what is begun is kept, then start again.",
}


def account_error(status: int, body: ErrorBody, what: str) -> AccountError | None:
    """The error when fal refuses the account; None for every other status. `what` begins its message."""
    reason = ACCOUNT_STATUSES.get(status)
    if reason is None:
        return None
    if status == HTTPStatus.FORBIDDEN and "locked" in body.text.lower():
        reason = LOCKED  # only the text tells a locked account from a missing scope
    return AccountError(sentence(what, body.text, ADVICE[reason]), reason)
