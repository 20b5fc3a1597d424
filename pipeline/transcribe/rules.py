"""What the protocol decides by."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Rules:
    """The same for every job of a worker. Jitter changes delays, and never what is done."""

    settings: Settings
    worker: str
    jitter: random.Random
