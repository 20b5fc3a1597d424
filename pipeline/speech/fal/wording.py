"""Builds the error messages of this package: what happened, what fal said, what to do; short and free of secrets."""

from __future__ import annotations

from pipeline.redaction import redact

MESSAGE_CHARS = 300  # a manifest row and a terminal line; a model's own text can be pages long
_ELLIPSIS = "..."


def sentence(what: str, said: str, advice: str) -> str:
    """`WHAT: SAID. ADVICE`, at most 300 characters. What fal said gives way; it is redacted before it is cut."""
    what, advice = redact(what), redact(advice)
    said = " ".join(redact(said).split()).rstrip(".")
    if not said:
        return _cut(f"{what}. {advice}", MESSAGE_CHARS)
    room = MESSAGE_CHARS - len(f"{what}: . {advice}")
    return _cut(f"{what}: {_cut(said, max(room, len(_ELLIPSIS)))}. {advice}", MESSAGE_CHARS)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_ELLIPSIS)] + _ELLIPSIS
