"""What the user asks of a model, in words that are the same for every model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.models.archives import Record


class Asked(Record):
    """The wishes about a transcript. None and False ask for nothing: the model does then what it does by itself."""

    language: str | None = None
    """ISO 639-1, or a code of the model; `auto` and None have the model detect it, and refuse one that cannot."""
    task: Literal["transcribe", "translate"] | None = None
    diarize: bool = False
    """Who speaks when."""
    speakers: int | None = Field(default=None, ge=1)
    """How many people speak; implies `diarize`."""
    words: bool = False
    """The times of single words."""
    prompt: str | None = None
    """A text in the style and spelling that is wanted."""
    keyterms: tuple[str, ...] = ()
    """Names and terms that are likely to be said."""
