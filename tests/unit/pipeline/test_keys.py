"""Keys and hashes: what names a thing must be stable, unique and reversible."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys
from pipeline.models import Format, Place

any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(any_key, any_key)
def test_two_objects_never_share_a_sidecar(one, other):
    """`a.mp3` and `a.wav`, or any other two keys, must not overwrite one another."""
    same = keys.sidecar_key(builders.OUTPUT, one) == keys.sidecar_key(builders.OUTPUT, other)

    assert same == (one == other)


@given(any_key)
def test_any_legal_key_gets_a_job_id_of_fixed_shape(key):
    job_id = keys.job_id(builders.audio(key), builders.recipe())

    assert len(job_id) == 40
    assert set(job_id) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "changed",
    [{"key": "other"}, {"bucket": "other"}, {"etag": "other"}, {"size_bytes": 1}, {"version_id": "v2"}],
    ids=lambda change: next(iter(change)),
)
def test_a_job_id_changes_with_the_object_version(changed):
    assert keys.job_id(builders.audio(), builders.recipe()) != keys.job_id(
        builders.audio(**{"key": "show/ep1.mp3"} | changed), builders.recipe()
    )


def test_a_job_id_ignores_the_time_of_the_last_change():
    """For a multipart upload that is the time when the upload began: it says nothing about the version."""
    later = builders.audio(last_modified="2030-01-01T00:00:00Z")

    assert keys.job_id(builders.audio(), builders.recipe()) == keys.job_id(later, builders.recipe())


def test_a_job_id_changes_with_the_recipe_and_not_with_the_order_of_its_arguments():
    one = builders.recipe(language="de", task="transcribe")
    same = builders.recipe(task="transcribe", language="de")
    other = builders.recipe(language="fr", task="transcribe")

    assert one.hash == same.hash
    assert keys.job_id(builders.audio(), one) != keys.job_id(builders.audio(), other)


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [
        ("", "_nightscribe/"),
        ("shows/", "_nightscribe/archives/shows/"),
        ("shows", "_nightscribe/archives/shows~/"),
    ],
)
def test_each_archive_has_a_folder_of_its_own(prefix, folder):
    assert folder == keys.archive_folder(builders.OUTPUT, Place(bucket="podcasts", prefix=prefix))


def test_overlapping_archives_share_one_intent_per_job():
    """The intent's place depends on job and output alone, so two runs over overlapping prefixes meet there."""
    job = builders.job()

    assert keys.intent_key(job.output, job.job_id) == f"_nightscribe/intents/{job.job_id}.json"


def test_derived_formats_are_appended_to_the_whole_key():
    assert keys.derived_key(Place(bucket="b", prefix="out/"), "a/ep.mp3", Format.VTT) == "out/a/ep.mp3.vtt"


def test_a_key_is_measured_in_utf8_bytes():
    assert keys.fits("é" * 512)
    assert not keys.fits("é" * 513)


@pytest.mark.parametrize(
    ("key", "ours"), [("_nightscribe/latest.json", True), ("a/_nightscribe/x", True), ("a_nightscribe/x", False)]
)
def test_state_folders_are_recognised_at_any_depth(key, ours):
    assert keys.is_ours(key) == ours
