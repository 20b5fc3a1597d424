"""Which endpoint ids can be fal's. Pure."""

from __future__ import annotations

import re

from pipeline.errors import ConfigurationError
from pipeline.speech.fal.wording import sentence

# owner/app[/more]: what fal's own ids are made of. Nothing here needs escaping, and no segment is `.` or `..`.
_ENDPOINT_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")


def check_endpoint_id(endpoint_id: str) -> None:
    """Raises `ConfigurationError` unless it is `owner/app[/...]` of safe characters (docs/fal.md section 2)."""
    if not _ENDPOINT_ID.fullmatch(endpoint_id):
        raise ConfigurationError(
            sentence(
                "This is no fal endpoint id",
                repr(endpoint_id),
                "Give owner/app or owner/app/path, such as fal-ai/whisper (--model or recipe.model).",
            ),
            reason="bad_endpoint_id",
        )
