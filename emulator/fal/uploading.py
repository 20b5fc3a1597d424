"""Reads what comes with an upload: bytes, file name and type, lifetime, the list of parts (docs/fal.md section 10)."""

import json
from pathlib import Path

from pydantic import BaseModel, Field
from starlette.requests import Request

# Python sends both of them, the JavaScript client only the first.
LIFECYCLE_HEADERS = ("x-fal-object-lifecycle", "x-fal-object-lifecycle-preference")


class BadLifecycleError(Exception):
    """A lifecycle header cannot be understood; the text is for the caller."""


class BeginUpload(BaseModel):
    """The body that asks for a signed upload URL."""

    file_name: str = Field(min_length=1)
    content_type: str = Field(min_length=1)


class Part(BaseModel):
    """A part as its uploader names it at the end."""

    partNumber: int = Field(ge=1)  # noqa: N815 - fal's own name
    etag: str


class CompleteUpload(BaseModel):
    """The body that ends an upload in parts; the order does not matter."""

    parts: list[Part]

    def by_number(self) -> dict[int, str]:
        """Part number to ETag."""
        return {part.partNumber: part.etag for part in self.parts}


async def receive(http: Request, place: Path) -> Path:
    """Streams the body into a file and returns its path; nothing stays of an upload that breaks off."""
    try:
        with place.open("wb") as file:
            async for block in http.stream():
                file.write(block)
    except BaseException:
        place.unlink(missing_ok=True)  # noqa: ASYNC240 - a local file of our own
        raise
    return place


def lifetime_s(http: Request) -> float | None:
    """How long the caller wants the file to live; None and 0 are for ever. Access rules are accepted and ignored.

    Raises BadLifecycleError.
    """
    for name in LIFECYCLE_HEADERS:
        text = http.headers.get(name)
        if text is not None:
            return _duration_s(name, text)
    return None


def _duration_s(name: str, text: str) -> float | None:
    try:
        wish = json.loads(text)
    except ValueError:
        wish = None
    duration = wish.get("expiration_duration_seconds") if isinstance(wish, dict) else ""
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int | float) or duration < 0):
        raise BadLifecycleError(f'{name} must be {{"expiration_duration_seconds": a number}}')
    return float(duration) if duration else None
