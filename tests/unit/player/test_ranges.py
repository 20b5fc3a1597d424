"""Which bytes a Range header asks for: never others than there are, and those that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.player.ranges import UnsatisfiableError, wanted

SIZE = 1000
positions = st.integers(0, 2 * SIZE)


@given(first=positions, last=positions)
def test_a_range_is_what_a_slice_would_cut(first, last):
    whole = range(SIZE)
    if last < first:
        assert wanted(f"bytes={first}-{last}", SIZE) is None
    elif first >= SIZE:
        with pytest.raises(UnsatisfiableError):
            wanted(f"bytes={first}-{last}", SIZE)
    else:
        assert wanted(f"bytes={first}-{last}", SIZE) == whole[first : last + 1]


@given(first=st.integers(0, SIZE - 1))
def test_an_open_range_goes_to_the_end(first):
    assert wanted(f"bytes={first}-", SIZE) == range(first, SIZE)


@given(last=st.integers(1, 2 * SIZE))
def test_a_suffix_is_the_last_so_many_bytes(last):
    assert wanted(f"bytes=-{last}", SIZE) == range(SIZE)[-last:]


@pytest.mark.parametrize("header", ["bytes=-0", "bytes=1000-", f"bytes={10**17}-"])
def test_what_begins_behind_the_end_is_refused(header):
    with pytest.raises(UnsatisfiableError):
        wanted(header, SIZE)


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=٣-", "bytes=1-0", f"bytes={'9' * 5000}-", "x"]
)
def test_what_is_no_single_range_asks_for_the_whole(header):
    assert wanted(header, SIZE) is None


@given(header=st.text(max_size=30) | st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}"), size=st.integers(0, SIZE))
def test_no_header_leads_outside_the_recording(header, size):
    try:
        part = wanted(header, size)
    except UnsatisfiableError:
        return
    assert part is None or (0 <= part.start < part.stop <= size)
