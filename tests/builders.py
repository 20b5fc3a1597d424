"""One builder per record, with good defaults: a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline import keys
from pipeline.models import (
    Answer,
    AudioObject,
    Found,
    Job,
    ManifestRow,
    PaidRequest,
    Place,
    Progress,
    Recipe,
    RememberedRow,
    Segment,
    State,
    Transcript,
    remembered_row,
)
from pipeline.settings import Settings, load_settings

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BUCKET = "podcasts"
OUTPUT = Place(bucket=BUCKET)


def settings(**variables: str) -> Settings:
    """The default settings, changed by environment variables as a user would."""
    return load_settings(variables).settings


def audio(key: str = "show/ep1.mp3", **changes: Any) -> AudioObject:
    fields = {"bucket": BUCKET, "key": key, "etag": "e1", "size_bytes": 1000, "last_modified": NOW}
    return AudioObject(**fields | changes)


def found(
    key: str = "show/ep1.mp3", *, sidecar_etag: str | None = None, excluded: bool = False, **changes: Any
) -> Found:
    fields = {"etag": "e1", "size_bytes": 1000, "last_modified": NOW.isoformat()}
    return Found(key, sidecar_etag=sidecar_etag, excluded=excluded, **fields | changes)


def remembered(row: ManifestRow) -> RememberedRow:
    """A row as the plan reads it out of the last manifest."""
    return remembered_row(row.model_dump_json().encode())


def recipe(endpoint_id: str = "fal-ai/whisper", **arguments: Any) -> Recipe:
    return Recipe(endpoint_id=endpoint_id, arguments=arguments)


def job(of: AudioObject | None = None, with_recipe: Recipe | None = None, **changes: Any) -> Job:
    of = of or audio()
    with_recipe = with_recipe or recipe()
    fields: dict[str, Any] = {
        "job_id": keys.job_id(of, with_recipe),
        "run_id": "run1",
        "object": of,
        "recipe": with_recipe,
        "output": OUTPUT,
    }
    return Job(**fields | changes)


def row(key: str = "show/ep1.mp3", state: State = State.DONE, **changes: Any) -> ManifestRow:
    of = audio(key)
    fields: dict[str, Any] = {
        **of.model_dump(),
        "state": state,
        "job_id": keys.job_id(of, recipe()),
        "recipe": recipe().hash,
        "run_id": "run0",
    }
    return ManifestRow(**fields | changes)


def progress(run_id: str = "20261122T021500Z-1a2b3c", **changes: Any) -> Progress:
    """How far a run is that has just begun."""
    place = Place(bucket="podcasts")
    known: dict[str, Any] = {"run_id": run_id, "archive": place, "output": place, "endpoint_id": "fal-ai/whisper"}
    return Progress(**known | {"phase": "planning", "started_at": NOW, "updated_at": NOW} | changes)


def request(request_id: str = "r-1") -> PaidRequest:
    base = f"https://queue.fal.run/fal-ai/whisper/requests/{request_id}"
    return PaidRequest(
        request_id=request_id,
        endpoint_id="fal-ai/whisper",
        status_url=f"{base}/status",
        response_url=base,
        cancel_url=f"{base}/cancel",
        submitted_at=NOW,
    )


def answer(text: str = "Hello night.") -> Answer:
    segments = (Segment(start=0.0, end=2.5, text=text),) if text else ()
    transcript = Transcript(text=text, language="en", segments=segments)
    return Answer(transcript=transcript, raw={"text": text}, inference_s=1.5)
