"""Every S3 key and every hash that names a thing is built here, and only here. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pipeline.models import AudioObject, Format, Place, Recipe

SIDECAR_SUFFIX = ".transcript.json"
DERIVED_SUFFIXES: Mapping[Format, str] = {
    Format.VTT: ".vtt",
    Format.SRT: ".srt",
    Format.TXT: ".txt",
    Format.JSON: ".podcast.json",  # `.json` alone is what many tools call their own files beside an audio
}
"""None is longer than the sidecar's: where that fits, these do."""
STATE_FOLDER = "_nightscribe/"
MAX_KEY_BYTES = 1024  # S3's own limit, in UTF-8 bytes
_SURELY_FITS = MAX_KEY_BYTES // 4  # no character has more bytes


def job_id(audio: AudioObject, recipe: Recipe) -> str:
    """40 hex digits over exactly the object version and the recipe (design: a job's identity)."""
    return job_id_of(audio, recipe.hash)


def job_id_of(audio: AudioObject, recipe_hash: str) -> str:
    """`job_id` where only the recipe's hash is known."""
    identity = [audio.bucket, audio.key, audio.etag, audio.size_bytes, audio.version_id, recipe_hash]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:40]


def sidecar_key(output: Place, audio_key: str) -> str:
    """The suffix is appended, never swapped for the extension: `a.mp3` and `a.wav` must not collide."""
    return f"{output.prefix}{audio_key}{SIDECAR_SUFFIX}"


def derived_key(output: Place, audio_key: str, kind: Format) -> str:
    """Where a derived format of a transcript lies."""
    return f"{output.prefix}{audio_key}{DERIVED_SUFFIXES[kind]}"


def fits(key: str) -> bool:
    """Whether S3 accepts a key of this length."""
    return len(key) <= _SURELY_FITS or len(key.encode()) <= MAX_KEY_BYTES


def intent_key(output: Place, job_id: str) -> str:
    """One place per job and output, whatever prefix a run looks at: overlapping archives meet here."""
    return f"{intents_folder(output)}{job_id}.json"


def intents_folder(output: Place) -> str:
    """Where the intents of all archives with this output lie."""
    return f"{output.prefix}{STATE_FOLDER}intents/"


def probe_key(output: Place, token: str) -> str:
    """Where a run tries whether the store keeps the conditions of writes; `token` makes it nobody else's."""
    return f"{output.prefix}{STATE_FOLDER}probe-{token}"


def unplaced_key(output: Place, job_id: str) -> str:
    """Where a paid transcript goes when a stranger's file took the sidecar's place in the meantime."""
    return f"{output.prefix}{STATE_FOLDER}unplaced/{job_id}{SIDECAR_SUFFIX}"


def archive_folder(output: Place, archive: Place) -> str:
    """The folder of an archive's runs and `latest.json`: `_nightscribe/` itself for a whole bucket.

    A prefix that does not end in `/` gets a `~`, so that `shows/a` and `shows/a/` stay apart; `shows/a~/` gets another.
    """
    if not archive.prefix:
        return f"{output.prefix}{STATE_FOLDER}"
    prefix = archive.prefix
    ended = prefix if prefix.endswith("/") and not prefix.endswith("~/") else f"{prefix}~/"
    return f"{output.prefix}{STATE_FOLDER}archives/{ended}"


def latest_key(output: Place, archive: Place) -> str:
    """The pointer to an archive's newest manifest."""
    return f"{archive_folder(output, archive)}latest.json"


def open_run_key(output: Place, archive: Place) -> str:
    """Where the identity of an archive's unfinished run lies, so that it outlives Redis."""
    return f"{archive_folder(output, archive)}open.json"


def run_folder(output: Place, archive: Place, run_id: str) -> str:
    """The folder of one run: segments while it runs, parts and manifest at its end."""
    return f"{archive_folder(output, archive)}runs/{run_id}/"


def report_key(output: Place, archive: Place, run_id: str) -> str:
    """The report of one run, beside its manifest."""
    return f"{run_folder(output, archive, run_id)}report.html"


def segments_folder(output: Place, archive: Place, run_id: str) -> str:
    """Where the settled rows of a run in progress lie."""
    return f"{run_folder(output, archive, run_id)}segments/"


def archive_id(output: Place, archive: Place) -> str:
    """16 hex digits that name an archive and its output in Redis."""
    identity = [archive.bucket, archive.prefix, output.bucket, output.prefix]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]


def is_ours(key: str) -> bool:
    """Whether a key lies in a state folder of Nightscribe, at any depth."""
    return key.startswith(STATE_FOLDER) or f"/{STATE_FOLDER}" in key


def url_hash(url: str) -> str:
    """SHA-256 of a URL: recognises a request without keeping a URL that grants access."""
    return hashlib.sha256(url.encode()).hexdigest()
