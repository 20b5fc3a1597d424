"""The way of jobs to workers."""

from __future__ import annotations

from pipeline.queue.celery import CeleryQueue, make_sender
from pipeline.redis_server import server_name
from pipeline.settings import Settings


def open_queue(settings: Settings) -> CeleryQueue:
    """The queue, which the caller closes."""
    server = server_name(settings.redis.url.get_secret_value())
    return CeleryQueue(make_sender(settings.redis), name=settings.queue.name, server=server)
