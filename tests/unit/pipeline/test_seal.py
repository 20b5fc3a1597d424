"""The seal of a sidecar: whoever edits one is told from Nightscribe, also where no metadata tells (I8)."""

from __future__ import annotations

import json

import pytest
from finished import FinishedArchive
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys, sidecars
from pipeline.ownership import stamp_at

KEY = "show/ep1.mp3"
SIDECAR = f"{KEY}{keys.SIDECAR_SUFFIX}"


def written():
    """A sidecar's file."""
    archive = FinishedArchive()
    archive.transcribed(KEY)
    return archive.body(SIDECAR)


BODY = written()


def stamp_of(body):
    """Whose the file is, without its metadata: as an editor, or a tool that copies files, has uploaded it."""
    archive = FinishedArchive()
    archive.put(SIDECAR, body)
    return stamp_at(archive.storage, "podcasts", SIDECAR, archive.storage.head("podcasts", SIDECAR))


def test_a_file_that_was_copied_without_its_metadata_is_ours():
    assert stamp_of(BODY).request_id == "request of show/ep1.mp3"
    assert stamp_of(json.dumps(json.loads(BODY)).encode()) is not None


def paths(value, path=()):
    """Where each value of a JSON document stands."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield (*path, name)
        yield from paths(child, (*path, name))


def parent_of(document, path):
    for name in path[:-1]:
        document = document[name]
    return document


@pytest.mark.parametrize("path", list(paths(json.loads(BODY))), ids=lambda path: ".".join(map(str, path)))
def test_a_file_of_which_anything_was_changed_or_left_out_is_not(path):
    changed, shortened = json.loads(BODY), json.loads(BODY)
    value = parent_of(changed, path)[path[-1]]
    parent_of(changed, path)[path[-1]] = f"{value} " if isinstance(value, str) else 7
    del parent_of(shortened, path)[path[-1]]

    assert stamp_of(json.dumps(changed).encode()) is None
    assert stamp_of(json.dumps(shortened).encode()) is None


@given(st.integers(0, len(BODY) - 1), st.integers(0, 255))
def test_a_file_with_another_byte_is_not(place, byte):
    body = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
    try:
        is_same = json.loads(body) == json.loads(BODY)
    except ValueError:
        is_same = False

    assert (stamp_of(body) is not None) == is_same


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.text())
def test_a_seal_holds_whatever_the_model_has_said(raw, text):
    """Also what JSON cannot write, such as infinity, which becomes null."""
    sidecar = sidecars.Sidecar.model_validate_json(BODY).model_copy(update={"raw": raw, "text": text})

    assert sidecars.is_sealed(sidecars.sealed(sidecar).model_dump_json(indent=1).encode())
