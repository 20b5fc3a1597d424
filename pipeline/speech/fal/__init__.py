"""fal's queue as a Transcriber. The only package that may import httpx; what fal does is in docs/fal.md."""

from __future__ import annotations

from pipeline.speech.fal.models import make_recipe
from pipeline.speech.fal.transcriber import FalTranscriber

__all__ = ["FalTranscriber", "make_recipe"]
