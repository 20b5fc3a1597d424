"""verify finds every single-byte mutation of the files of a manifest, and what they say wrongly of one another."""

from __future__ import annotations

import json
from datetime import timedelta

import builders
import pytest
from finished import FinishedArchive
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.models import Manifest

KEYS = [f"show/{name}.mp3" for name in ("a", "b", "b.mp3-c", "d", "é", "e\x01", "\U0001f319")]
FOLDER = "_nightscribe/runs/run1/"
LATEST, MANIFEST = "_nightscribe/latest.json", f"{FOLDER}manifest.json"
PARTS = [f"{FOLDER}part-0000{number}.jsonl.gz" for number in (1, 2, 3)]


def finished_archive() -> FinishedArchive:
    made = FinishedArchive()
    for key in KEYS[:5]:
        made.transcribed(key)
    made.transcribed(KEYS[5], run_id="run0", cost_usd=None, text="")
    made.failed(KEYS[6])
    made.finish(part_rows=3)
    assert made.differences(deep=True) == []
    return made


@pytest.fixture(scope="module")
def archive():
    """Restored by each test."""
    return finished_archive()


def differences_with(archive, key, body):
    """What differs with another body in the place of a file."""
    with archive.restored():
        archive.put(key, body)
        return archive.differences()


@pytest.mark.parametrize(
    ("key", "flip"),
    # 0x20 turns letters into letters, and a line's end into what is none; of the parts the checksum tells in any case.
    [(LATEST, 0x01), (LATEST, 0x20), (LATEST, 0x80), (MANIFEST, 0x01), (MANIFEST, 0x20), (PARTS[1], 0x01)],
)
def test_every_byte_that_is_flipped_is_found(archive, key, flip):
    body = archive.body(key)

    missed = [
        place
        for place in range(len(body))
        if not differences_with(archive, key, body[:place] + bytes([body[place] ^ flip]) + body[place + 1 :])
    ]

    assert missed == []


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_byte_that_is_changed_put_in_or_taken_out_is_found(archive, data):
    key = data.draw(st.sampled_from([LATEST, MANIFEST, *PARTS]))
    body = archive.body(key)
    place = data.draw(st.integers(0, len(body) - 1))
    byte = bytes([data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))])
    changed = data.draw(
        st.sampled_from(
            [
                body[:place] + byte + body[place + 1 :],
                body[:place] + body[place + 1 :],
                body[:place] + byte + body[place:],
            ]
        )
    )

    assert differences_with(archive, key, changed)


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "run2"},
        {"complete": False},
        {"finished_at": builders.NOW + timedelta(seconds=1)},
        {"started_at": builders.NOW + timedelta(seconds=1)},
        {"archive": {"bucket": "podcasts", "prefix": "show/"}},
        {"output": {"bucket": "others", "prefix": ""}},
    ],
    ids=str,
)
def test_a_manifest_that_contradicts_itself_or_its_place_is_found(archive, change):
    said = json.loads(archive.body(MANIFEST)) | change

    with archive.restored():
        archive.put_manifest(Manifest.model_validate_json(json.dumps(said, default=str)))
        shallow = archive.differences()

    assert {key for _, key in shallow} == {MANIFEST}


@pytest.mark.parametrize("name", ["rows", "size_bytes", "first_key", "last_key", "sha256", "name"])
def test_a_part_that_the_manifest_describes_wrongly_is_found(archive, name):
    manifest = Manifest.model_validate_json(archive.body(MANIFEST))
    value = getattr(manifest.parts[1], name)
    part = manifest.parts[1].model_copy(update={name: value + 1 if isinstance(value, int) else f"{value}x"})

    with archive.restored():
        archive.put_manifest(manifest.model_copy(update={"parts": (manifest.parts[0], part, manifest.parts[2])}))
        shallow = archive.differences()

    assert shallow[0][0].startswith("part_")
