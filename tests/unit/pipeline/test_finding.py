"""manifest.find_row and find_in_segments: one row out of an archive, without reading the archive."""

from __future__ import annotations

import builders
import looking
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys, manifest
from pipeline.errors import ConfigurationError
from pipeline.manifest import Segments
from pipeline.models import State
from pipeline.storage.memory import MemoryStorage

any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(any_key, min_size=1, max_size=20, unique=True), any_key, st.integers(min_value=1, max_value=7))
def test_any_key_that_was_written_is_found_and_no_other(written, other, part_rows):
    storage = MemoryStorage()
    rows = [builders.row(key, message=f'about "key":"{other}", and {key}') for key in written]
    made = looking.write_manifest(storage, *rows, part_rows=part_rows)

    found = {key: manifest.find_row(storage, made, key) for key in {*written, other}}

    assert {key for key, row in found.items() if row} == set(written)
    assert all(row.key == key for key, row in found.items() if row)


@pytest.mark.parametrize(("key", "reads"), [("key-0042", 1), ("a", 0), ("z", 0), ("key-0042x", 1)])
def test_only_the_part_that_can_hold_the_key_is_read(key, reads):
    storage = MemoryStorage()
    rows = [builders.row(f"key-{number:04d}") for number in range(100)]
    made = looking.write_manifest(storage, *rows, part_rows=10)
    storage.calls.clear()

    manifest.find_row(storage, made, key)

    assert storage.calls == ({"read": reads} if reads else {})


def test_a_key_between_two_parts_costs_no_request():
    storage = MemoryStorage()
    made = looking.write_manifest(storage, builders.row("a"), builders.row("c"), part_rows=1)
    storage.calls.clear()

    assert manifest.find_row(storage, made, "b") is None
    assert storage.calls == {}


def test_a_part_that_was_changed_is_not_believed():
    storage = MemoryStorage()
    made = looking.write_manifest(storage, builders.row("a"))
    part = keys.run_folder(made.output, made.archive, made.run_id) + made.parts[0].name
    storage.put(builders.BUCKET, part, b"something else")

    with pytest.raises(ConfigurationError, match=part):
        manifest.find_row(storage, made, "a")


def in_segments(storage, key, *, at_most):
    return manifest.find_in_segments(storage, builders.OUTPUT, looking.ARCHIVE, "run1", key, at_most=at_most)


def test_the_newest_row_of_an_unfinished_run_counts():
    storage = MemoryStorage()
    segments = Segments(storage, builders.OUTPUT, looking.ARCHIVE, "run1")
    segments.append([builders.row("a", State.FAILED), builders.row("b")])
    segments.append([builders.row("a", words=7), builders.row("a", words=8)])

    assert in_segments(storage, "a", at_most=5).row.words == 8
    assert in_segments(storage, "b", at_most=5).row.state is State.DONE
    assert in_segments(storage, "c", at_most=5).row is None


def test_old_segments_are_counted_and_not_read():
    storage = MemoryStorage()
    segments = Segments(storage, builders.OUTPUT, looking.ARCHIVE, "run1")
    for number in range(7):
        segments.append([builders.row(f"{number}")])
    storage.calls.clear()

    search = in_segments(storage, "0", at_most=3)

    assert (search.row, search.unread) == (None, 4)
    assert storage.calls == {"list": 1, "read": 3}
    assert in_segments(storage, "4", at_most=3).row is not None
