"""verify on damaged files: what cannot be believed is named, and all the rest is compared."""

from __future__ import annotations

from datetime import timedelta

import finished
import pytest
from finished import FinishedArchive, sidecar

from pipeline.errors import ConfigurationError
from pipeline.models import Latest, Manifest

LATEST = "_nightscribe/latest.json"
MANIFEST = "_nightscribe/runs/run1/manifest.json"
PART = "_nightscribe/runs/run1/part-00001.jsonl.gz"


@pytest.fixture
def archive():
    return finished.small_archive()


def test_an_archive_without_a_manifest_is_refused_with_what_to_do():
    archive = FinishedArchive()
    archive.transcribed("a.mp3")

    with pytest.raises(ConfigurationError, match="nightscribe manifest rebuild") as caught:
        archive.events()

    assert caught.value.reason == "no_manifest"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("key", "body", "kind"),
    [
        (LATEST, b"\xff", "latest_wrong"),
        (LATEST, b"{}", "latest_wrong"),
        (MANIFEST, b"", "manifest_wrong"),
        (MANIFEST, b'{"schema_version": 99}', "manifest_wrong"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named_and_nothing_is_compared(archive, key, body, kind):
    archive.put(key, body)
    archive.audio("new.mp3")

    *differences, tally = archive.events()

    assert [(told.kind, told.key) for told in differences] == [(kind, key)]
    assert (tally.run_id, tally.objects) == (None, 0)


def test_a_manifest_that_is_gone_is_named(archive):
    archive.storage.delete("podcasts", MANIFEST)

    assert archive.differences() == [("manifest_missing", MANIFEST)]


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda body: body[:-9], "part_checksum"),
        (lambda body: body + b"\0", "part_checksum"),
        (None, "part_missing"),
    ],
)
def test_rows_of_a_damaged_part_are_not_compared_and_all_others_are(archive, damage, kind):
    if damage:
        archive.put(PART, damage(archive.body(PART)))
    else:
        archive.storage.delete("podcasts", PART)
    archive.storage.delete("podcasts", sidecar("d.mp3"))
    archive.audio("aa.mp3")  # within the range of the part: it may have a row there
    archive.audio("bb.mp3")

    *differences, tally = archive.events()

    assert [(told.kind, told.key) for told in differences] == [
        (kind, PART),
        ("object_without_row", "bb.mp3"),
        ("sidecar_missing", sidecar("d.mp3")),
    ]
    assert tally.not_compared == 3
    assert "2 rows from 'a.mp3' to 'b.mp3'" in differences[0].detail


def test_a_part_that_is_no_gzip_although_its_checksum_is_right_is_named(archive):
    from_writer = archive.finish(part_rows=2)
    archive.put(PART, b"not packed")
    part = from_writer.parts[0].model_copy(update={"sha256": finished.sha256(b"not packed"), "size_bytes": 10})
    changed = from_writer.model_copy(update={"parts": (part, *from_writer.parts[1:])})
    archive.put_manifest(changed)

    assert archive.differences() == [("part_unreadable", PART)]


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 32},
        {"recipe": "another"},
        {"largest_bytes": 1},
        {"others": (7,)},
        {"last_key": "bb.mp3"},
        {"rows": 1},
        {"size_bytes": 20},
        {"size_bytes": 10_000},
    ],
)
def test_blocks_that_are_not_those_of_the_rows_are_named(archive, change):
    """By them a plan passes over many rows at once: a wrong one might hide what is to be done."""
    manifest = archive.finish(part_rows=2)
    part = manifest.parts[0]
    blocks = (part.blocks[0].model_copy(update=change),)
    archive.put_manifest(
        manifest.model_copy(update={"parts": (part.model_copy(update={"blocks": blocks}), *manifest.parts[1:])})
    )

    assert set(archive.differences()) == {("part_blocks", PART)}


def test_a_manifest_without_blocks_is_one_of_an_earlier_version(archive):
    manifest = archive.finish(part_rows=2)
    parts = tuple(part.model_copy(update={"blocks": ()}) for part in manifest.parts)
    archive.put_manifest(manifest.model_copy(update={"parts": parts}))

    assert archive.differences() == []


def test_totals_that_contradict_the_parts_are_named_when_the_rows_cannot_be_read(archive):
    archive.put(PART, b"")
    manifest = Manifest.model_validate_json(archive.body(MANIFEST))
    totals = manifest.totals.model_copy(update={"objects": 5})
    archive.put_manifest(manifest.model_copy(update={"totals": totals}))

    *_, (kind, key) = archive.differences()

    assert (kind, key) == ("totals_wrong", MANIFEST)


@pytest.mark.parametrize(("earlier", "found"), [(0, []), (1, [("latest_wrong", LATEST)])])
def test_a_look_before_the_end_of_the_run_is_named(archive, earlier, found):
    latest = Latest.model_validate_json(archive.body(LATEST))
    moment = latest.finished_at - timedelta(seconds=earlier)
    archive.put(LATEST, latest.model_copy(update={"looked_at": moment}).model_dump_json(indent=1).encode())

    assert archive.differences() == found


def test_parts_that_lie_in_another_order_are_named(archive):
    manifest = Manifest.model_validate_json(archive.body(MANIFEST))
    archive.put_manifest(manifest.model_copy(update={"parts": manifest.parts[::-1]}))

    assert archive.differences()[:4] == [
        ("object_without_row", "a.mp3"),
        ("sidecar_without_row", sidecar("a.mp3")),
        ("object_without_row", "b.mp3"),
        ("sidecar_without_row", sidecar("b.mp3")),
    ]
    assert ("part_range", PART) in archive.differences()
    assert {("row_order", "a.mp3"), ("row_order", "b.mp3")} <= set(archive.differences())


def test_control_characters_of_foreign_files_do_not_come_through():
    archive = FinishedArchive()
    archive.transcribed("a.mp3")
    archive.finish()
    body = archive.body(LATEST)
    archive.put(LATEST, body.replace(b'"run_id": "run1"', rb'"run_id": "\u001b[31m\n"'))

    (difference, *_) = archive.events()

    assert difference.kind == "latest_wrong"
    assert difference.detail.isprintable()
