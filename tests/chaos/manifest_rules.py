"""Does the manifest say what is there? Checked by its published schemas, its own sums, and the bucket. Pure."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
from chaos.evidence import Evidence

LATEST = "_nightscribe/latest.json"
_SIDECAR = ".transcript.json"
_SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
_REASONS = {"empty": {"empty_object"}, "refused": {"audio_duration_too_long"}}
"""What the row of a bad object must say, where only one reason is right."""


def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((_SCHEMAS / name).read_text("utf-8")))


_manifest_schema = _validator("manifest.schema.json")
_row_schema = _validator("manifest-row.schema.json")


def manifest_failures(evidence: Evidence) -> list[str]:
    """Everything that is wrong with the newest manifest and its rows."""
    latest = evidence.objects.get(LATEST)
    if latest is None:
        return ["there is no latest.json"]
    key = json.loads(latest.body)["manifest_key"]
    stored = evidence.objects.get(key)
    if stored is None:
        return [f"{key}, which latest.json names, is not there"]
    manifest = json.loads(stored.body)
    if not _manifest_schema.is_valid(manifest):
        return [f"{key} breaks docs/schemas/manifest.schema.json"]
    rows: list[dict[str, Any]] = []
    found = list(_parts(evidence, manifest, key.rpartition("/")[0], rows))
    found += [f"the row of {row.get('key')} breaks its schema" for row in rows if not _row_schema.is_valid(row)]
    found += [f"{later} stands after {earlier}" for earlier, later in _disorder(rows)]
    found += _totals(manifest, rows)
    found += _coverage(evidence, rows)
    for row in rows:
        found += _row(evidence, row)
    return found


def _parts(evidence: Evidence, manifest: Mapping[str, Any], folder: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Reads the parts into `rows`; yields what is wrong with them."""
    for part in manifest["parts"]:
        stored = evidence.objects.get(f"{folder}/{part['name']}")
        if stored is None:
            yield f"{part['name']} is not there"
            continue
        if (hashlib.sha256(stored.body).hexdigest(), len(stored.body)) != (part["sha256"], part["size_bytes"]):
            yield f"{part['name']} is not what was written"
        here = [json.loads(line) for line in gzip.decompress(stored.body).splitlines()]
        ends = (here[0]["key"], here[-1]["key"]) if here else (None, None)
        if (len(here), *ends) != (part["rows"], part["first_key"], part["last_key"]):
            yield f"{part['name']} holds other rows than the manifest says"
        rows += here


def _disorder(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    keys = [row["key"] for row in rows]
    return ((earlier, later) for earlier, later in pairwise(keys) if earlier.encode() >= later.encode())


def _totals(manifest: Mapping[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    states = Counter(row["state"] for row in rows)
    if manifest["totals"]["by_state"] != dict(states):
        yield f"the totals say {manifest['totals']['by_state']}, the rows {dict(states)}"
    if manifest["totals"]["objects"] != len(rows):
        yield f"the totals say {manifest['totals']['objects']} objects, there are {len(rows)} rows"


def _coverage(evidence: Evidence, rows: list[dict[str, Any]]) -> Iterator[str]:
    keys = Counter(row["key"] for row in rows)
    yield from (f"{key} has no row" for key in evidence.listed if key not in keys)
    yield from (f"{key} has {number} rows" for key, number in keys.items() if number > 1)
    yield from (f"the row of {key} is of no object of the archive" for key in keys.keys() - set(evidence.listed))


def _row(evidence: Evidence, row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one row."""
    key, state, reason = row["key"], row["state"], row["reason"]
    recording = evidence.recordings.get(key)
    if recording is None:
        return  # said already
    if row["etag"] != evidence.etags[key]:
        yield f"the row of {key} is of another version"
    if recording.is_good:
        sidecar = evidence.objects.get(f"{key}{_SIDECAR}")
        # What an earlier run has done is skipped as current by later ones, with the row it had.
        if state != "done":
            yield f"{key} is {state}: {reason}"
        elif sidecar is None or row["sidecar_etag"] != sidecar.etag:
            yield f"the row of {key} names another transcript than the one that is there"
    elif state not in ("failed", "skipped") or not reason or not row["message"]:
        yield f"{key} ({recording.kind}) is {state}: {reason}"
    elif reason not in _REASONS.get(recording.kind, {reason}):
        yield f"{key} ({recording.kind}) is {state} for a wrong reason: {reason}"
