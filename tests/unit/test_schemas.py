"""The published JSON Schemas: they are those of the models, and what is really written obeys them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import builders
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pipeline import keys, manifest, sidecars
from pipeline.manifest import Draft, Newest, RunFacts
from pipeline.models import Cost, Format, Place, State
from pipeline.storage.memory import MemoryStorage
from pipeline.transcribe import intents, results

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
ARCHIVE = Place(bucket=builders.BUCKET)


def validator(name):
    return Draft202012Validator(
        json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def sidecar(**answered):
    """A sidecar as the transcribe stage makes it."""
    job, request = builders.job(formats=(Format.VTT,)), builders.request()
    intent = intents.intended(
        job,
        None,
        attempt=1,
        url="https://x/?sig=1",
        url_expires_at=builders.NOW,
        owner="w",
        now=builders.NOW,
        duration_s=2.0,
        reserved_usd=None,
        story=(),
    )
    cost = Cost(usd=0.01, basis="a price")
    return results.sidecar_of(
        job,
        intent,
        request,
        builders.answer(**answered),
        cost=cost,
        story=intent.story,
        now=builders.NOW,
        thresholds=builders.settings().lint,
    )


def test_the_committed_schemas_are_those_of_the_models(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "schemas", tmp_path], check=True)

    committed = {path.name: path.read_text("utf-8") for path in SCHEMAS.iterdir()}

    assert committed == {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}, "run make schemas"


@pytest.mark.parametrize("name", ["sidecar", "manifest", "manifest-row"])
def test_each_is_a_schema_and_closed_to_unknown_fields(name):
    schema = validator(name).schema

    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("text", ["Hello night.", ""], ids=["speech", "no speech"])
def test_a_sidecar_as_it_is_written_obeys_its_schema(text):
    storage = MemoryStorage()
    results.write(storage, builders.job(), sidecar(text=text), results.Standing())

    stored = storage.read(builders.BUCKET, "show/ep1.mp3.transcript.json")

    validator("sidecar").validate(json.loads(stored.body))


def test_a_manifest_and_its_rows_as_they_are_written_obey_their_schemas():
    storage = MemoryStorage()
    done = sidecars.row_of(builders.audio(), ARCHIVE, sidecars.stamp_of(sidecar()), "e9")
    facts = RunFacts("run1", ARCHIVE, ARCHIVE, sidecar().recipe, builders.NOW)
    with Draft() as draft:
        draft.put(done)
        draft.put(builders.row("show/ep2.mp3", State.FAILED, reason="not_audio", message="No audio.", permanent=True))
        written = manifest.finish(storage, draft, facts, Newest(), now=builders.NOW, part_rows=10)

    folder = keys.run_folder(ARCHIVE, ARCHIVE, "run1")
    lines = gzip.decompress(storage.read(ARCHIVE.bucket, folder + written.parts[0].name).body).splitlines()

    assert len(lines) == 2
    for line in lines:
        validator("manifest-row").validate(json.loads(line))
    validator("manifest").validate(json.loads(storage.read(ARCHIVE.bucket, f"{folder}manifest.json").body))


def test_a_file_that_is_bent_does_not_obey():
    bent = json.loads(sidecar().model_dump_json()) | {"schema_version": 2}

    with pytest.raises(ValidationError, match="1 was expected"):
        validator("sidecar").validate(bent)
