"""Where events of S3 are taken from."""

from __future__ import annotations

from pipeline.arrivals.sqs import SqsInbox
from pipeline.settings import Settings


def open_inbox(queue_url: str, settings: Settings) -> SqsInbox:
    """The queue, which the caller closes."""
    return SqsInbox(queue_url, visibility_s=settings.listen.visibility_s)
