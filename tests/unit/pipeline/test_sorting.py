"""sorting: keys in any order, back in that of their bytes."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.discover.sorting import Sorted, Sorting
from pipeline.errors import ConfigurationError

any_key = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(any_key, st.integers(0, 1), st.binary(max_size=3)), max_size=30))
def test_any_keys_come_back_in_the_order_of_their_bytes_the_last_of_each(entries):
    """Against a naive dictionary model."""
    with Sorting() as sorting:
        for entry in entries:
            sorting.put(*entry)
        back = list(sorting.in_order())

    last = {(key, rank): body for key, rank, body in entries}
    wanted = sorted(last.items(), key=lambda item: (item[0][0].encode(), item[0][1]))
    assert back == [Sorted(key, rank, body) for (key, rank), body in wanted]


def test_more_keys_than_one_statement_takes():
    with Sorting() as sorting:
        for number in reversed(range(2500)):
            sorting.put(f"{number:04}")

        assert [entry.key for entry in sorting.in_order()] == [f"{number:04}" for number in range(2500)]


def test_a_folder_that_is_full_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fill(sorting):
        for number in range(100_000):
            sorting.put(f"{number}", body=b"x" * 100)

    with Sorting() as sorting:
        sorting._rows.execute("PRAGMA max_page_count = 10")  # a small disk
        with pytest.raises(ConfigurationError, match="TMPDIR"):
            fill(sorting)
    assert list(tmp_path.iterdir()) == []
