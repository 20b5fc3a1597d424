"""The other sources of a plan on a real store: an inventory and a list of keys show what a listing shows."""

from __future__ import annotations

import builders
import pytest
from inventories import PARQUET_SCHEMA, csv_part, line, parquet_part, write_report
from planning import listed_in
from s3_stores import s3_storage

from pipeline.discover import Selection
from pipeline.discover.inventory import inventory
from pipeline.discover.key_list import KeySighting, key_list
from pipeline.models import Place
from pipeline.query import parquet_rows

pytestmark = [pytest.mark.e2e]

CHOSEN = Selection(frozenset({"mp3"}))
KEYS = (
    "shows/plain.mp3",
    "shows/a b+c%20d.mp3",
    "shows/quote\"s & 'apostrophes', comma.mp3",
    "shows/朗読/ソネット 第二番.mp3",
    "shows/cafe\u0301.mp3",
    "shows/café.mp3",
    "shows/tab\there.mp3",
    "shows/ep.mp3 (copy).mp3",
    "shows/ep.mp3",
    "shows/cover.jpg",
    "others/x.mp3",
)
TRANSCRIBED = ("shows/ep.mp3", "shows/a b+c%20d.mp3", "shows/朗読/ソネット 第二番.mp3")


@pytest.fixture
def storage(archive, monkeypatch):
    """Our client of the store of an archive with odd keys, some of them with a sidecar."""
    for key in KEYS:
        archive.put(key, key.encode())
    for key in TRANSCRIBED:
        archive.put(f"{key}.transcript.json", b"{}")
    variables = {name: value for name, value in archive.environment.items() if name.startswith("AWS_")}
    yield from s3_storage(monkeypatch, variables)


@pytest.fixture
def shows(archive):
    """The archive of the shows, and where its results are."""
    return Place(bucket=archive.bucket, prefix="shows/"), Place(bucket=archive.bucket)


def as_told(found):
    """Objects as records: the sources write the same moment in different notations."""
    return [(item.audio("podcasts"), item.sidecar_etag) for item in found]


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_an_inventory_of_a_real_bucket_shows_what_its_listing_shows(archive, storage, shows, kind):
    wanted = as_told(listed_in(storage, *shows, CHOSEN, builders.settings().s3))
    lines = [line(listed, bucket=archive.bucket) for listed in storage.list(archive.bucket, "")]
    report = {"fileFormat": kind} | ({"fileSchema": PARQUET_SCHEMA} if kind == "Parquet" else {})
    part = parquet_part if kind == "Parquet" else csv_part
    place = write_report(
        lambda _, key, body: archive.put(key, body),
        [part(lines[::-2]), part(lines[-2::-2])],
        manifest=Place(bucket=archive.bucket, prefix="inv/manifest.json"),
        sourceBucket=archive.bucket,
        **report,
    )

    found = as_told(inventory(storage, place, *shows, CHOSEN, parquet_rows=parquet_rows))

    assert found == wanted
    assert sum(sidecar_etag is not None for _, sidecar_etag in found) == len(TRANSCRIBED)


def test_a_list_of_the_keys_of_a_real_bucket_shows_what_its_listing_shows(storage, shows, tmp_path):
    wanted = as_told(listed_in(storage, *shows, CHOSEN, builders.settings().s3))
    listed = tmp_path / "keys"
    listed.write_bytes(b"\0".join(key.encode() for key in (*KEYS[8::-1], "shows/gone.mp3")))
    sighting = KeySighting()

    with listed.open("rb") as lines:
        found = as_told(key_list(storage, lines, *shows, CHOSEN, nul_separated=True, sighting=sighting))

    # A HEAD tells the time by the second, a listing more precisely; it decides nothing.
    assert [_without_time(item) for item in found] == [_without_time(item) for item in wanted]
    assert (sighting.audio, sighting.missing, sighting.examples) == (9, 1, ["shows/gone.mp3"])


def test_the_same_is_planned_from_every_source(archive, storage, tmp_path):
    """From outside, with the options; the sidecars are no files of ours, which each plan says alike."""
    uri = f"{archive.uri}shows/"
    listed = tmp_path / "keys"
    listed.write_bytes(b"\0".join(key.encode() for key in KEYS[:9]))
    place = write_report(
        lambda _, key, body: archive.put(key, body),
        [csv_part(line(one, bucket=archive.bucket) for one in storage.list(archive.bucket, ""))],
        manifest=Place(bucket=archive.bucket, prefix="inv/manifest.json"),
        sourceBucket=archive.bucket,
    )

    plain, named, inventoried = (
        archive.run("plan", uri, "--list", "--json", *words)
        for words in ((), ("--keys0", str(listed)), ("--inventory", place.uri))
    )

    assert (plain.returncode, named.returncode, inventoried.returncode) == (0, 0, 0), named.stderr + inventoried.stderr
    assert decided(named) == decided(inventoried) == decided(plain)
    assert len(decided(plain)) == 9


def decided(outcome):
    """The decision on each object."""
    return [text for text in outcome.stdout.splitlines() if text.startswith(("transcribe ", "skip "))]


def _without_time(item):
    audio, sidecar_etag = item
    return audio.model_copy(update={"last_modified": builders.NOW}), sidecar_etag
