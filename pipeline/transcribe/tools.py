"""What the stage works with, made once per worker process by `wiring`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.audio.base import AudioProbe
from pipeline.cancellation import CancellationToken
from pipeline.limits.base import Rate
from pipeline.limits.turns import PermitLine
from pipeline.settings import Settings
from pipeline.speech.base import Transcriber
from pipeline.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Tools:
    """What the stage works with; one record per worker process."""

    storage: Storage
    transcriber: Transcriber
    permits: PermitLine
    rate: Rate
    probe: AudioProbe
    settings: Settings
    worker: str
    cancel: CancellationToken
    now: Callable[[], datetime]
    jitter: random.Random
