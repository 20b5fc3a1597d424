"""inventory: a report in any order and any number of parts is what a listing was when the report was made."""

from __future__ import annotations

import gzip
import sys
import tempfile

import builders
import inventories
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventories import CSV_FIELDS, MANIFEST, PARQUET_SCHEMA, csv_part, line, parquet_part, write_report
from planning import listed_in

from pipeline.discover import Selection, Sighting
from pipeline.discover.inventory import inventory
from pipeline.errors import ConfigurationError
from pipeline.models import Found, Place
from pipeline.query import parquet_rows
from pipeline.storage.base import Listed
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts")
CHOSEN = Selection(frozenset({"mp3", "wav"}), exclude=("*no*",))
NOW = "2026-11-22T02:00:00.000Z"
PARQUET = {"fileFormat": "Parquet", "fileSchema": PARQUET_SCHEMA}

names = st.text(st.sampled_from('ab /.-~+%é😀",\n\x1b'), min_size=1, max_size=6)
ends = st.sampled_from([".mp3", ".WAV", ".txt", "no.mp3", ".mp3.transcript.json", ".WAV.transcript.json"])
some_keys = st.sets(st.builds(str.__add__, names, ends), max_size=12)
archives = st.sampled_from([ARCHIVE, Place(bucket="podcasts", prefix="a"), Place(bucket="podcasts", prefix="a/")])
outputs = st.sampled_from(
    [Place(bucket="podcasts"), Place(bucket="podcasts", prefix="a"), Place(bucket="texts", prefix="out/")]
)


def listed(key, **changes):
    fields = {"etag": f"etag of {key}", "size_bytes": len(key), "last_modified": NOW}
    return Listed(key, **fields | changes)


def seen(storage, *, archive=ARCHIVE, output=builders.OUTPUT, manifest=MANIFEST, sighting=None, reader=parquet_rows):
    return list(inventory(storage, manifest, archive, output, CHOSEN, parquet_rows=reader, sighting=sighting))


def found_in(*lines, **report):
    """What an inventory with these lines shows."""
    storage = MemoryStorage()
    part = parquet_part if report.get("fileFormat") == "Parquet" else csv_part
    write_report(storage.put, [part(lines)], **report)
    return seen(storage)


def of_the_same_moment(found):
    """Parquet gives times in another notation."""
    return [(item.audio("podcasts"), item.sidecar_etag, item.excluded) for item in found]


def stored(keys):
    """A store with these objects, in the archive's bucket and in that of results elsewhere."""
    storage = MemoryStorage()
    for key in keys:
        storage.put("podcasts", key, key.encode())
        storage.put("texts", f"out/{key}", b"elsewhere")
    return storage


@settings(max_examples=60, deadline=None)
@given(some_keys, archives, outputs, st.randoms(use_true_random=False), st.integers(1, 4), st.permutations(CSV_FIELDS))
def test_a_report_in_csv_is_what_the_listing_is(keys, archive, output, chance, parts, fields):
    storage = stored(keys)
    lines = [line(one) for one in storage.list("podcasts", "")]
    others = [line(listed(f"{key}.mp3"), IsDeleteMarker=True, Size="", ETag="") for key in keys]
    others += [line(listed(key, etag="old"), IsLatest=False) for key in keys]
    lines += others
    chance.shuffle(lines)
    shares = [lines[number::parts] for number in range(parts)]

    write_report(storage.put, [csv_part(share, fields) for share in shares], fileSchema=", ".join(fields))

    found = seen(storage, archive=archive, output=output)
    assert found == list(listed_in(storage, archive, output, CHOSEN, builders.settings().s3))


@settings(max_examples=8, deadline=None)
@given(some_keys, archives, outputs, st.randoms(use_true_random=False))
def test_a_report_in_parquet_is_what_the_listing_is(keys, archive, output, chance):
    storage = stored(keys)
    lines = [line(one) for one in storage.list("podcasts", "")]
    lines += [line(listed(f"{key}.mp3"), IsDeleteMarker=True, Size=None, ETag=None) for key in keys]
    lines += [line(listed(key, etag="old"), IsLatest=False) for key in keys]
    chance.shuffle(lines)

    write_report(storage.put, [parquet_part(lines[::2]), parquet_part(lines[1::2])], **PARQUET)

    found = seen(storage, archive=archive, output=output)
    wanted = list(listed_in(storage, archive, output, CHOSEN, builders.settings().s3))
    assert of_the_same_moment(found) == of_the_same_moment(wanted)


@pytest.mark.parametrize("report", [{}, PARQUET], ids=["csv", "parquet"])
def test_of_several_versions_the_current_one_counts_under_the_id_that_a_listing_would_give_it(report):
    """A job found by an inventory must be the one that a listing finds: its intent is looked for by the job's id."""
    found = found_in(
        line(listed("a.mp3", etag="old"), VersionId="v1", IsLatest=False),
        line(listed("a.mp3", etag="new"), VersionId="v2"),
        line(listed("gone.mp3"), VersionId="v1", IsLatest=False),
        line(listed("gone.mp3"), VersionId="v2", IsDeleteMarker=True, Size=None if report else "", ETag=""),
        **report,
    )

    assert [(item.key, item.etag, item.version_id) for item in found] == [("a.mp3", "new", None)]


def test_three_fields_are_enough():
    """The time is only shown: that of the report stands for it."""
    storage = MemoryStorage()
    fields = ("ETag", "Size", "Key")
    write_report(storage.put, [csv_part([line(listed("a b+c.mp3"))], fields)], fileSchema="ETag, Size, Key")

    assert seen(storage) == [Found("a b+c.mp3", "etag of a b+c.mp3", 9, "2026-11-22T01:00:00+00:00")]


def test_three_columns_are_enough_for_parquet_too():
    storage = MemoryStorage()
    types = {"e_tag": "VARCHAR", "size": "BIGINT", "key": "VARCHAR"}
    schema = "message s3.inventory { required binary key (UTF8); optional int64 size; optional binary e_tag (UTF8);}"
    part = parquet_part([line(listed("a b+c.mp3"))], types)
    write_report(storage.put, [part], fileFormat="Parquet", fileSchema=schema)

    assert seen(storage) == [Found("a b+c.mp3", "etag of a b+c.mp3", 9, "2026-11-22T01:00:00+00:00")]


@pytest.mark.parametrize(
    ("report", "missing"),
    [
        ({"fileSchema": "Bucket, Key, LastModifiedDate"}, "lacks Size, ETag."),
        ({"fileSchema": "Key, Size, ETag, VersionId"}, "lacks IsLatest."),
        ({"fileFormat": "Parquet", "fileSchema": "message s3.inventory { required binary key (UTF8);}"}, "Size, ETag."),
    ],
)
def test_a_field_that_is_missing_is_named(report, missing):
    with pytest.raises(ConfigurationError) as caught:
        found_in(**report)

    assert caught.value.reason == "inventory_fields"
    assert missing in caught.value.message


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"fileFormat": "ORC"}, "inventory_format"),
        ({"sourceBucket": "others"}, "inventory_of_another_bucket"),
        ({"files": None}, "inventory_unreadable"),
        ({"files": [{"key": "x"}]}, "inventory_unreadable"),
        ({"creationTimestamp": "yesterday"}, "inventory_unreadable"),
        ({"creationTimestamp": "9" * 30}, "inventory_unreadable"),
        ({"files": [{"key": "gone.csv.gz", "MD5checksum": "0" * 32}]}, "inventory_damaged"),
    ],
)
def test_a_report_that_cannot_be_used_is_told(report, reason):
    with pytest.raises(ConfigurationError) as caught:
        found_in(**report)

    assert (caught.value.reason, caught.value.exit_code) == (reason, 2)
    assert "s3://reports/" in caught.value.message


@pytest.mark.parametrize("body", [None, b"", b"[]", b"\xff", b"s3://podcasts/a.mp3\n"])
def test_what_is_no_manifest_is_told(body):
    storage = MemoryStorage()
    if body is not None:
        storage.put(MANIFEST.bucket, MANIFEST.prefix, body)

    with pytest.raises(ConfigurationError, match=r"manifest\.json"):
        seen(storage)


def test_a_part_that_was_changed_is_told_before_the_first_object():
    storage = MemoryStorage()
    write_report(storage.put, [csv_part([line(listed("a.mp3"))]), csv_part([line(listed("b.mp3"))])])
    storage.put("reports", f"{inventories.FOLDER}/data/1.csv.gz", csv_part([]))

    with pytest.raises(ConfigurationError, match=r"data/1\.csv\.gz is missing, or is not") as caught:
        next(inventory(storage, MANIFEST, ARCHIVE, builders.OUTPUT, CHOSEN, parquet_rows=parquet_rows))

    assert caught.value.reason == "inventory_damaged"


@pytest.mark.parametrize(
    "part",
    [
        b"not gzip",
        gzip.compress(b'"podcasts","a.mp3"\n')[:-4],
        gzip.compress(b'"podcasts","a.mp3"\n'),
        gzip.compress(b'"podcasts","a.mp3","","true","false","many","","e"\n'),
        gzip.compress(b'"podcasts","a.mp3","","true","false","1","",""\n'),
        gzip.compress(b'"podcasts","%FF.mp3","","true","false","1","","e"\n'),
        gzip.compress(b'"podcasts","a.mp3'),
        gzip.compress(b"\xff"),
    ],
    ids=["gzip", "cut", "fields", "size", "etag", "key", "quote", "utf-8"],
)
def test_a_part_in_csv_that_cannot_be_read_is_told(part):
    storage = MemoryStorage()
    write_report(storage.put, [part])

    with pytest.raises(ConfigurationError, match=r"data/0\.csv\.gz cannot be read") as caught:
        seen(storage)

    assert caught.value.reason == "inventory_unreadable"


def test_a_part_that_is_no_parquet_is_told_in_duckdbs_words():
    storage = MemoryStorage()
    write_report(storage.put, [b"PAR1 or so"], **PARQUET)

    with pytest.raises(ConfigurationError, match="DuckDB says"):
        seen(storage)


def test_parquet_needs_the_extra_and_csv_does_not(monkeypatch):
    storage = MemoryStorage()
    write_report(storage.put, [parquet_part([line(listed("a.mp3"))])], **PARQUET)
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'nightscribe\[query\]'"):
        seen(storage)
    assert len(found_in(line(listed("a.mp3")))) == 1


def test_lines_of_another_bucket_and_state_of_our_own_are_passed_over():
    found = found_in(
        line(listed("a.mp3"), bucket="others"), line(listed("_nightscribe/x.mp3")), line(listed("b/_nightscribe/y.mp3"))
    )

    assert found == []


def test_no_object_is_asked_for_and_a_listing_only_where_results_are_elsewhere():
    storage = MemoryStorage()
    write_report(storage.put, [csv_part(line(listed(f"{number}.mp3")) for number in range(50))])
    sighting = Sighting()

    assert len(seen(storage, sighting=sighting)) == 50
    assert storage.calls == {"read": 1, "head": 1, "read_range": 1}
    assert (sighting.keys, sighting.audio) == (50, 50)
    seen(storage, output=Place(bucket="texts"))
    assert storage.calls["list"] == 1


def test_the_parts_may_lie_in_another_bucket_than_the_manifest():
    storage = MemoryStorage()
    write_report(storage.put, [csv_part([line(listed("a.mp3"))])])
    storage.put("copies", "manifest.json", storage.read(MANIFEST.bucket, MANIFEST.prefix).body)

    assert len(seen(storage, manifest=Place(bucket="copies", prefix="manifest.json"))) == 1


def test_nothing_is_left_in_the_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    storage = MemoryStorage()
    write_report(storage.put, [csv_part([line(listed("a.mp3")), line(listed("b.mp3"))])])

    stream = inventory(storage, MANIFEST, ARCHIVE, builders.OUTPUT, CHOSEN, parquet_rows=parquet_rows)
    assert next(stream).key == "a.mp3"
    stream.close()

    assert list(tmp_path.iterdir()) == []
