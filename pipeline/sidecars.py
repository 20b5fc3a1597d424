"""What a sidecar says of itself: its seal, its stamp (S3 metadata) and its row in the manifest. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from pipeline import keys
from pipeline.models import AudioObject, ManifestRow, Place, Sidecar, SidecarStamp, State

_STAMP = "nightscribe"  # the name of the metadata entry; S3 allows 2 KB for all of them


def sealed(sidecar: Sidecar) -> Sidecar:
    """The sidecar with its seal, by which an edited one is told."""
    return sidecar.model_copy(update={"seal": _seal_of(json.loads(sidecar.model_dump_json()))})


def is_sealed(body: bytes) -> bool:
    """Whether a sidecar's file says exactly what Nightscribe has written; white space does not matter."""
    content = json.loads(body)
    return bool(content.get("seal") == _seal_of(content))


def _seal_of(content: dict[str, JsonValue]) -> str:
    # Of the JSON, not of the model: a later version of it may have more fields.
    rest = {name: value for name, value in content.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def stamp_of(sidecar: Sidecar) -> SidecarStamp:
    """The stamp of a sidecar."""
    return SidecarStamp(
        job_id=sidecar.job_id,
        object_etag=sidecar.object.etag,
        recipe=sidecar.recipe.hash,
        run_id=sidecar.run_id,
        endpoint_id=sidecar.recipe.endpoint_id,
        request_id=sidecar.request.request_id,
        attempts=sidecar.attempts,
        duration_s=sidecar.duration_s,
        words=len(sidecar.text.split()),
        language=sidecar.language,
        speech=sidecar.quality.verdict != "no_speech",
        cost_usd=sidecar.cost.usd,
        processing_s=sidecar.timings.processing_s,
        written_at=sidecar.written_at,
        suspect=tuple(finding.name for finding in sidecar.quality.findings),
        stands_for=sidecar.stands_for,
    )


def to_metadata(stamp: SidecarStamp) -> dict[str, str]:
    """The stamp as S3 user metadata: ASCII, for that is all a header may hold; without what it need not say."""
    return {_STAMP: json.dumps(stamp.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"))}


def from_metadata(metadata: Mapping[str, str]) -> SidecarStamp | None:
    """The stamp in an object's metadata; None when Nightscribe did not write the object."""
    text = metadata.get(_STAMP)
    if text is None:
        return None
    try:
        return SidecarStamp.model_validate_json(text)
    except ValidationError:
        return None


def row_of(audio: AudioObject, output: Place, stamp: SidecarStamp, sidecar_etag: str) -> ManifestRow:
    """The manifest row of an object whose sidecar bears this stamp."""
    return ManifestRow(
        **audio.model_dump(),
        state=State.DONE,
        reason=None if stamp.speech else "no_speech",
        message=_message(stamp),
        job_id=stamp.job_id,
        run_id=stamp.run_id,
        endpoint_id=stamp.endpoint_id,
        recipe=stamp.recipe,
        request_id=stamp.request_id,
        attempts=stamp.attempts,
        duration_s=stamp.duration_s,
        words=stamp.words,
        language=stamp.language,
        speech=stamp.speech,
        cost_usd=stamp.cost_usd,
        processing_s=stamp.processing_s,
        sidecar_key=keys.sidecar_key(output, audio.key),
        sidecar_etag=sidecar_etag,
        settled_at=stamp.written_at,
        suspect=stamp.suspect,
        stands_for=stamp.stands_for,
    )


def _message(stamp: SidecarStamp) -> str | None:
    said = [] if stamp.speech else ["The model heard no speech in this audio."]
    if stamp.suspect:
        said.append(f"The transcript is suspect: {', '.join(stamp.suspect)}. nightscribe show tells more.")
    return " ".join(said) or None
