"""What a worker does with webhooks: which address fal is given, and what is made of the notices that came to it.

Nothing of it makes the protocol of docs/adr/0010 weaker. A notice ends no wait and brings no result. It can bring one
fact: the id of a request whose reply was lost, as the history can, and that is adopted on two conditions. It came under
the token of this very attempt, which is drawn at random and written into the intent before the POST. And fal knows the
request as one of our own account: its signature alone does not say so, for fal signs for all its customers alike. A
notice that fails the second leaves the question open, and forbids to pay again (docs/adr/0013).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pipeline import logs
from pipeline.errors import ServiceUnavailableError, UncertainError
from pipeline.models import Intent, Job, ManifestRow, PaidRequest
from pipeline.runs.notices import Notice, Notices
from pipeline.speech.base import OnNotice, Transcriber

_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The webhooks of one job. `webhook_url` is where the receiver is reached; empty: nowhere."""

    job: Job
    webhook_url: str
    notices: Notices | None
    transcriber: Transcriber

    def draw_token(self) -> str | None:
        """A token for a new attempt: which job it is of, and what nobody can guess. None when fal is not to call."""
        if self.job.handling.wait != "webhook":
            return None
        if not self.webhook_url or self.notices is None:
            # The run was started with one: it is this worker that was not told. It polls, and the run ends as well.
            logs.get_logger().warning("webhook_url_missing")
            return None
        return f"{self.job.job_id}.{secrets.token_urlsafe(_NONCE_BYTES)}"

    def address(self, token: str | None) -> str | None:
        """Where fal is to call at the end of the request with this token."""
        return f"{self.webhook_url}/{token}" if token else None

    def on_notice(self, request: PaidRequest, *, is_called_back: bool) -> OnNotice | None:
        """How the wait for this request is told; None when nobody will call."""
        if not is_called_back or self.notices is None:
            return None
        return partial(self.notices.on_notice, request.request_id)

    def find(
        self,
        intent: Intent,
        insist: Callable[[Callable[[], list[Notice]]], list[Notice]],
        in_history: Callable[[], PaidRequest | None],
    ) -> PaidRequest | None:
        """The request that a notice has told of, else what the history says. `insist` repeats while Redis is away.

        Raises what `Transcriber.find` raises; and `UncertainError` when the history shows nothing of a request that a
        notice has told of.
        """
        noticed = self._noticed(intent, insist)
        for request_id in noticed:
            endpoint_id = intent.recipe.endpoint_id
            if found := self.transcriber.recognise(endpoint_id, request_id, submitted_at=intent.intended_at):
                return found
        found = in_history()
        if found is None and noticed:
            raise UncertainError(
                f"A webhook named request {noticed[-1]} for {self.job.object.uri}, and neither fal's queue nor its "
                "history knows it under this account (any more).",
                "notice_unconfirmed",
            )
        return found

    def settle(self, row: ManifestRow) -> None:
        """The job has its row: what was noted of its request may be forgotten soon."""
        if self.job.handling.wait == "webhook" and row.request_id is not None and self.notices is not None:
            with suppress(ServiceUnavailableError):  # it expires by itself, only later
                self.notices.board.settle(row.request_id)

    def _noticed(self, intent: Intent, insist: Callable[[Callable[[], list[Notice]]], list[Notice]]) -> list[str]:
        notices, token = self.notices, intent.webhook_token
        if notices is None or token is None:
            return []
        past = {request.request_id for request in intent.past}
        told = [notice.request_id for notice in insist(lambda: notices.board.of(token))]
        return [request_id for request_id in told if request_id not in past]
