"""A peer: fal's own client in a Celery task, as recipes on the web write it: acks_late, and retries with backoff.

`celery -A chaos.peer_celery worker` works; `python -m chaos.peer_celery` enqueues what has no transcript and waits.
"""

from __future__ import annotations

import os
import time

import fal_client
from celery import Celery
from chaos.peer_script import has_transcript, missing, store, url_of

_QUIET_S = 10.0  # longer than the longest backoff: then nobody works on anything any more
_TICK_S = 0.5

app = Celery("peer", broker=os.environ["REDIS_URL"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)


@app.task(name="transcribe", autoretry_for=(Exception,), retry_backoff=True, retry_kwargs={"max_retries": 3})
def transcribe(key: str) -> None:
    """Transcribes one object, unless a message that came twice has done so."""
    if has_transcript(key):
        return
    answer = fal_client.subscribe("fal-ai/whisper", arguments={"audio_url": url_of(key)})
    store(key, answer)


def main() -> None:
    """One pass: everything that is missing is enqueued, and waited for until nothing moves."""
    keys = missing()
    for key in keys:
        transcribe.delay(key)
    left, changed_at = len(keys), time.monotonic()
    while left and time.monotonic() < changed_at + _QUIET_S:
        time.sleep(_TICK_S)
        if (now := len(missing())) != left:
            left, changed_at = now, time.monotonic()


if __name__ == "__main__":
    main()
