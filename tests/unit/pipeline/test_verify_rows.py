"""verify finds every single-row mutation of a manifest.

The rows are changed as a faulty writer would: with checksum, size, count and key range of the part all in agreement.
"""

from __future__ import annotations

import gzip
import json

import pytest
from finished import FinishedArchive, sha256
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.sums import Sums
from pipeline.models import Manifest, State, remembered_row

KEYS = sorted(f"show/{name}.mp3" for name in ("a", "b", "b.mp3-c", "d", "é", "e\x01", "\U0001f319"))
FOLDER = "_nightscribe/runs/run1/"
MANIFEST = f"{FOLDER}manifest.json"
PARTS = [f"{FOLDER}part-0000{number}.jsonl.gz" for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def archive():
    """Restored by each test."""
    made = FinishedArchive()
    for key in KEYS:
        made.transcribed(key)
    made.finish(part_rows=3)
    assert made.differences(deep=True) == []
    return made


def rewritten(archive, part, mutate, *, with_totals: bool):
    """What differs, shallow and deep, once the rows of a part were changed in agreement with the manifest's part."""
    rows = mutate([json.loads(line) for line in gzip.decompress(archive.body(PARTS[part])).splitlines()])
    body = gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode())
    manifest = Manifest.model_validate_json(archive.body(MANIFEST))
    told = {
        "sha256": sha256(body),
        "size_bytes": len(body),
        "rows": len(rows),
        "first_key": rows[0]["key"],
        "last_key": rows[-1]["key"],
        "blocks": (),  # those of the rows before would be named, and hide what else is
    }
    parts = [each.model_copy(update=told if each is manifest.parts[part] else {}) for each in manifest.parts]
    with archive.restored():
        archive.put(PARTS[part], body)
        totals = recounted(archive, manifest) if with_totals else {}
        archive.put_manifest(manifest.model_copy(update={"parts": tuple(parts)} | totals))
        return archive.differences(), archive.differences(deep=True)


def recounted(archive, manifest):
    """The totals of the rows as they lie there now."""
    totals, of_run = Sums(), Sums()
    for part in PARTS:
        for line in gzip.decompress(archive.body(part)).splitlines():
            row = remembered_row(line)
            totals.add(row)
            if row.run_id == manifest.run_id:
                of_run.add(row)
    complete = State.PENDING.value not in totals.by_state
    return {"totals": totals.totals(), "this_run": of_run.totals(), "complete": complete}


@pytest.mark.parametrize("with_totals", [True, False])
@settings(deadline=None)
@given(st.integers(0, 1), st.integers(0, 2))
def test_a_row_that_is_dropped_is_found(archive, with_totals, part, place):
    shallow, _ = rewritten(archive, part, lambda rows: rows[:place] + rows[place + 1 :], with_totals=with_totals)

    assert ("object_without_row", KEYS[3 * part + place]) in shallow


@pytest.mark.parametrize("with_totals", [True, False])
@settings(deadline=None)
@given(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3))
def test_a_row_that_is_there_twice_is_found(archive, with_totals, part, place, again):
    def mutate(rows):
        return [*rows[:again], rows[place], *rows[again:]]

    shallow, _ = rewritten(archive, part, mutate, with_totals=with_totals)

    assert ("row_twice", KEYS[3 * part + place]) in shallow


@pytest.mark.parametrize("with_totals", [True, False])
@settings(deadline=None)
@given(st.integers(0, 1), st.lists(st.integers(0, 2), min_size=2, max_size=2, unique=True))
def test_rows_that_are_swapped_are_found_and_compared_all_the_same(archive, with_totals, part, pair):
    def mutate(rows):
        first, second = pair
        rows[first], rows[second] = rows[second], rows[first]
        return rows

    shallow, _ = rewritten(archive, part, mutate, with_totals=with_totals)

    assert {kind for kind, _ in shallow} == {"row_order"}


def test_a_row_of_a_later_part_that_belongs_into_an_earlier_one_is_found(archive):
    def mutate(rows):
        return [*rows, json.loads(archive.rows[KEYS[0]].model_dump_json())]

    shallow, _ = rewritten(archive, 1, mutate, with_totals=False)

    assert ("row_order", KEYS[0]) in shallow


ANOTHER = {
    "bucket": "other",
    "key": "show/b.mp3-b.mp3",
    "etag": "0" * 32,
    "size_bytes": 4,
    "sidecar_key": "show/b.mp3.transcript.json ",
    "sidecar_etag": "0" * 32,
}
"""Fields that the listing alone shows to be wrong."""
COUNTED = {"state": "uncertain", "reason": "odd", "run_id": "run9", "duration_s": 61.38, "words": 3, "cost_usd": 0.02}
"""Fields that the totals count."""
IN_SIDECAR = {
    "reason": "no_speech",
    "job_id": "0" * 40,
    "recipe": "0" * 16,
    "run_id": "run9",
    "endpoint_id": "fal-ai/wizper",
    "request_id": "another",
    "attempts": 2,
    "duration_s": 61.38,
    "words": 3,
    "language": "de",
    "speech": False,
    "cost_usd": 0.02,
    "processing_s": 7.5,
    "settled_at": "2026-11-22T02:00:08Z",
}
"""Fields that come from the sidecar."""


def with_another(name, value):
    def mutate(rows):
        rows[1] = rows[1] | {name: value}
        return rows

    return mutate


@pytest.mark.parametrize(("name", "value"), ANOTHER.items())
def test_a_field_that_the_listing_shows_to_be_wrong_is_found(archive, name, value):
    shallow, _ = rewritten(archive, 0, with_another(name, value), with_totals=True)

    assert shallow
    assert {key.removesuffix(".transcript.json") for _, key in shallow} <= {"show/b.mp3", "show/b.mp3-b.mp3"}


@pytest.mark.parametrize("name", ["sidecar_key", "sidecar_etag"])
def test_a_done_row_that_names_no_sidecar_is_found(archive, name):
    shallow, _ = rewritten(archive, 0, with_another(name, None), with_totals=True)

    assert ("row_wrong", KEYS[1]) in shallow


@pytest.mark.parametrize(("name", "value"), COUNTED.items())
def test_a_field_that_the_totals_count_is_found(archive, name, value):
    shallow, _ = rewritten(archive, 0, with_another(name, value), with_totals=False)

    assert set(shallow) == {("totals_wrong", MANIFEST)}


@pytest.mark.parametrize(("name", "value"), IN_SIDECAR.items())
def test_a_field_that_comes_from_the_sidecar_is_found_by_deep(archive, name, value):
    _, deep = rewritten(archive, 0, with_another(name, value), with_totals=True)

    assert deep == [("sidecar_wrong", f"{KEYS[1]}.transcript.json")]


@pytest.mark.parametrize(
    "line", [{"key": "show/b.mp3"}, {}, {"key": 7}, [], {"key": "show/b.mp3", "state": "done", "odd": 1}], ids=repr
)
def test_a_line_that_is_no_row_is_found(archive, line):
    shallow, _ = rewritten(archive, 0, lambda rows: [rows[0], line, rows[2]], with_totals=False)

    assert shallow[0] == ("row_unreadable", PARTS[0])
    assert ("object_without_row", "show/b.mp3") in shallow
