"""A generated bucket against a plain sorted dictionary: what is there, in which order, on which page."""

from __future__ import annotations

from html import unescape
from urllib.parse import unquote_plus

import pytest
from bench.archive import SHAPES, SIDECAR_SUFFIX, Archive
from bench.bucket import Bucket, ConditionError, NoSuchKeyError
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys, sidecars
from pipeline.models import AudioObject

archives = st.integers(0, 40).flatmap(
    lambda objects: st.builds(
        Archive,
        st.just("archive"),
        objects=st.just(objects),
        new=st.integers(0, objects),
        shape=st.sampled_from(sorted(SHAPES)),
    )
)


def key_in(archive, number, is_sidecar):
    """A generated key, or one beside them."""
    return archive.key(number) + SIDECAR_SUFFIX * is_sidecar


@st.composite
def changed(draw):
    """A bucket after puts and deletes of keys inside and outside its archive, and what a dictionary says of it."""
    archive = draw(archives)
    bucket, naive = Bucket(archive), {}
    for number in range(archive.objects):
        naive[archive.key(number)] = archive.audio(number).etag
        if not archive.is_new(number):
            naive[archive.key(number) + SIDECAR_SUFFIX] = archive.sidecar(number).etag
    generated = st.builds(key_in, st.just(archive), st.integers(0, 40), st.booleans())
    others = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | generated.map(lambda key: f"{key}~")
    for key, is_put in draw(st.lists(st.tuples(generated | others, st.booleans()), max_size=12)):
        if is_put:
            naive[key] = bucket.put(key, key.encode(), {}, if_match=None, if_none_match=None).etag
        else:
            bucket.delete(key)
            naive.pop(key, None)
    return bucket, naive


def listed(bucket, prefix, after, max_keys):
    """All pages from there, read as a client reads them: keys with ETags."""
    found, is_truncated = [], True
    while is_truncated:
        page = bucket.page(prefix, after, max_keys, url_encoded=True)
        for element in page.contents:
            key = unquote_plus(element.split("<Key>")[1].split("</Key>")[0])
            found.append((key, unescape(element.split("<ETag>")[1].split("</ETag>")[0]).strip('"')))
        assert not page.is_truncated or len(page.contents) == max_keys
        after, is_truncated = page.last_key, page.is_truncated
    return found


@given(changed(), st.data())
def test_pages_are_those_of_a_sorted_dictionary(made, data):
    bucket, naive = made
    near = st.sampled_from(sorted(naive)) if naive else st.just("")
    prefix = data.draw(st.builds(lambda key, length: key[:length], near, st.integers(0, 40)) | st.text(max_size=2))
    after = data.draw(near | st.just("") | st.text(max_size=3))

    found = listed(bucket, prefix, after, data.draw(st.integers(1, 30)))

    expected = sorted(key for key in naive if key.startswith(prefix) and key > after)
    assert found == [(key, naive[key]) for key in expected]
    assert [key for key, _ in found] == sorted((key for key, _ in found), key=str.encode)


@given(changed())
def test_each_key_is_found_and_no_other(made):
    bucket, naive = made
    asked = set(naive) | {key_in(bucket.archive, number, half) for number in range(41) for half in (False, True)}

    assert {key: found.etag for key in asked if (found := bucket.get(key))} == naive
    assert bucket.keys == len(naive)


@given(archives.filter(lambda archive: archive.objects))
def test_an_archive_has_as_many_new_objects_as_were_asked_for(archive):
    assert sum(map(archive.is_new, range(archive.objects))) == archive.new
    assert archive.keys == 2 * archive.objects - archive.new


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("objects", [1_000, 1_000_000])
def test_numbers_are_in_key_order_and_no_etag_comes_twice(shape, objects):
    archive = Archive("archive", objects=objects, shape=shape)
    sample = range(objects) if objects == 1_000 else range(0, objects, 997)

    in_order = [key_in(archive, number, half) for number in sample for half in (False, True)]

    assert in_order == sorted(in_order, key=str.encode)
    assert len(set(in_order)) == len(in_order)
    assert len(
        {archive.audio(number).etag for number in sample} | {archive.sidecar(number).etag for number in sample}
    ) == (2 * len(sample))


def test_a_sidecars_stamp_is_one_that_nightscribe_knows():
    archive = Archive("archive", objects=10)
    entry = archive.audio(3)
    audio = AudioObject(
        bucket="archive",
        key=entry.key,
        etag=entry.etag,
        size_bytes=entry.size_bytes,
        last_modified="2026-01-31T04:05:06Z",
    )

    stamp = sidecars.from_metadata({"nightscribe": archive.sidecar(3).stamp})

    assert stamp.object_etag == audio.etag
    assert stamp.job_id == keys.job_id_of(audio, archive.recipe)


def test_conditions_are_judged_as_by_aws():
    bucket = Bucket(Archive("archive", objects=1))
    etag = bucket.put("k", b"one", {}, if_match=None, if_none_match="*").etag

    for condition in ({"if_match": None, "if_none_match": "*"}, {"if_match": "0" * 32, "if_none_match": None}):
        with pytest.raises(ConditionError):
            bucket.put("k", b"two", {}, **condition)
    with pytest.raises(ConditionError):
        bucket.put(bucket.archive.key(0), b"two", {}, if_match=None, if_none_match="*")
    with pytest.raises(NoSuchKeyError):
        bucket.put("gone", b"two", {}, if_match=etag, if_none_match=None)
    assert bucket.get("k").body == b"one"
    bucket.put("k", b"two", {}, if_match=etag, if_none_match=None)
    assert bucket.get("k").body == b"two"
