"""Sidecars and derived files of a listing brought together, whatever the keys are and in whatever place they lie."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legal_keys import cut, legal_keys

from pipeline import keys
from pipeline.discover import selection
from pipeline.models import Format, Place
from pipeline.render import gathered
from pipeline.storage.base import Listed

IS_AUDIO = selection(builders.settings().audio, (), ()).is_audio
audio_keys = legal_keys.map(lambda key: f"{cut(key, 900)}.mp3").filter(lambda key: not keys.is_ours(key))
whole = st.dictionaries(audio_keys, st.tuples(st.booleans(), st.frozensets(st.sampled_from(list(Format)))), max_size=8)


def listing(lying, output, *others):
    """The keys of a place in S3's order."""
    names = [output.prefix + key for key in (*lying, *others)]
    names += [keys.sidecar_key(output, key) for key, (has_sidecar, _) in lying.items() if has_sidecar]
    names += [keys.derived_key(output, key, kind) for key, (_, kinds) in lying.items() for kind in kinds]
    return [Listed(name, f"etag of {name}", 1, "2026-11-23T00:00:00Z") for name in sorted(set(names), key=str.encode)]


@pytest.mark.parametrize("output", [builders.OUTPUT, Place(bucket="results", prefix="out/é %2F/")])
@given(whole, st.lists(legal_keys, max_size=5))
def test_each_sidecar_comes_with_its_files_and_nobody_elses(output, lying, others):
    others = [key for key in others if not any(key.endswith(suffix) for suffix in keys.DERIVED_SUFFIXES.values())]

    cases = list(gathered(listing(lying, output, *others), output, IS_AUDIO))

    assert {case.audio_key: set(case.files) for case in cases} == {
        key: set(kinds) for key, (has_sidecar, kinds) in lying.items() if has_sidecar
    }
    assert len({case.audio_key for case in cases}) == len(cases)
    for case in cases:
        assert case.sidecar.key == keys.sidecar_key(output, case.audio_key)
        for kind, listed in case.files.items():
            assert listed.key == keys.derived_key(output, case.audio_key, kind)


def test_little_is_held_back():
    """A case goes on as soon as the listing has passed its last file (I6)."""
    lying = {f"{number:05d}.mp3": (True, frozenset(Format)) for number in range(1000)}
    taken = 0

    def counted():
        nonlocal taken
        for listed in listing(lying, builders.OUTPUT):
            taken += 1
            yield listed

    for number, _ in enumerate(gathered(counted(), builders.OUTPUT, IS_AUDIO), start=1):
        assert taken <= 6 * (number + 1)


def test_no_file_of_ours_is_taken_for_audio_or_for_another_of_ours():
    suffixes = [keys.SIDECAR_SUFFIX, *keys.DERIVED_SUFFIXES.values()]

    assert not any(IS_AUDIO(f"a.mp3{suffix}") for suffix in suffixes)
    assert not any(one.endswith(other) for one in suffixes for other in suffixes if one != other)
    assert max(map(len, suffixes)) == len(keys.SIDECAR_SUFFIX)
