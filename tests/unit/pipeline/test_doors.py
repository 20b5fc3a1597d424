"""Every door that a key goes through, and it comes out as it went in: any legal key (I10)."""

from __future__ import annotations

import json
import unicodedata
from contextlib import closing
from urllib.parse import quote, quote_plus, unquote, urlsplit

import builders
import httpx
import looking
import pytest
from celery import Celery
from finished import FinishedArchive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from legal_keys import ODD, legal_keys
from planning import listed_in
from s3_stores import in_region, s3_storage
from stages import intent_of
from urllib3.util import parse_url

from pipeline import keys, manifest, sidecars
from pipeline.cli.options import S3Uri
from pipeline.discover import Selection
from pipeline.manifest import Draft, Segments
from pipeline.models import Format, Job, Place, Sidecar, remembered_row
from pipeline.queue.celery import CeleryQueue
from pipeline.runs.records import JOBS, ROWS
from pipeline.storage.memory import MemoryStorage
from pipeline.storage.s3_listing import columns_of
from pipeline.transcribe import IntentBook

# Each example makes no more than a record or two; the fixtures are clients, which remember nothing.
any_door = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
OUTPUTS = [builders.OUTPUT, Place(bucket="texts", prefix="out/")]


@any_door
@given(legal_keys, st.sampled_from([quote, quote_plus]), st.sampled_from(["/", ""]))
def test_a_listing(key, encode, safe):
    """AWS writes a space as `+`, others as `%20`; a slash may be left as it is."""
    xml = (
        f"<Contents><Key>{encode(key, safe=safe)}</Key><LastModified>2026-11-22T02:00:00.000Z</LastModified>"
        "<ETag>&quot;e1&quot;</ETag><Size>7</Size></Contents>"
    )

    assert columns_of(xml.encode(), is_encoded=True).keys == [key]


@any_door
@given(legal_keys)
def test_discovery(key):
    """Whatever the name: with its sidecar beside it, and from both kinds of place."""
    name = f"{key}.mp3"
    for output in OUTPUTS:
        storage = MemoryStorage()
        storage.put(builders.BUCKET, name, b"audio")
        storage.put(output.bucket, keys.sidecar_key(output, name), b"{}")
        archive = Place(bucket=builders.BUCKET, prefix=key)

        found = list(listed_in(storage, archive, output, Selection(frozenset({"mp3"})), builders.settings().s3))

        expected = [] if keys.is_ours(name) else [(name, True)]
        assert [(item.key, item.sidecar_etag is not None) for item in found] == expected


@pytest.fixture(scope="module")
def broker():
    """kombu's own transport in memory: the same messages as in Redis, without a server."""
    with closing(Celery("test", broker="memory://", set_as_current=False)) as app:
        yield app


@any_door
@given(legal_keys)
def test_a_celery_message(broker, key):
    job = builders.job(builders.audio(key), output=Place(bucket="texts", prefix=key))

    CeleryQueue(broker, name="door", server="").put([job])

    with broker.connection_or_acquire() as connection, closing(connection.SimpleQueue("door")) as queue:
        message = queue.get(block=False)
        message.ack()
        arguments, _, _ = message.decode()
    assert Job.model_validate(arguments[0]) == job


@any_door
@given(legal_keys)
def test_records_in_redis(key):
    job, row = builders.job(builders.audio(key)), builders.row(key, message=f"s3://podcasts/{key}")

    assert JOBS.decode(JOBS.encode(job).encode()) == job
    assert ROWS.decode(ROWS.encode(row).encode()) == row


@any_door
@given(legal_keys)
def test_an_intent(key):
    job = builders.job(builders.audio(key), output=Place(bucket=builders.BUCKET, prefix="out/"))
    book, intent = IntentBook(MemoryStorage()), intent_of(job)

    book.write(job, intent, None)

    assert book.read(job).intent == intent


@any_door
@given(legal_keys, st.sampled_from(OUTPUTS))
def test_a_sidecar_and_its_stamp(key, output):
    archive = FinishedArchive(output=output)
    archive.transcribed(key)
    where = keys.sidecar_key(output, key)

    sidecar = Sidecar.model_validate_json(archive.body(where))
    metadata = archive.storage.head(output.bucket, where).metadata

    assert (sidecar.object.key, archive.rows[key].sidecar_key) == (key, where)
    assert sidecars.from_metadata(metadata) == sidecars.stamp_of(sidecar)
    assert all(" " <= letter <= "~" for value in metadata.values() for letter in value)


@any_door
@given(st.lists(legal_keys, min_size=1, max_size=5, unique=True), st.just("") | legal_keys)
def test_segments_draft_and_manifest(wanted, prefix):
    """Put in any order, they come out in that of UTF-8 bytes, each with its own row, in parts of two rows."""
    storage, archive = MemoryStorage(), Place(bucket=builders.BUCKET, prefix=prefix)
    rows = {key: builders.row(key, message=f"about {key}") for key in wanted}
    segments = Segments(storage, builders.OUTPUT, archive, "run1")
    segments.append(rows.values())
    assert list(segments.read()) == list(rows.values())
    with Draft() as draft:
        for row in rows.values():
            draft.put(row)
        assert [change.key for change in draft.changes()] == sorted(wanted, key=str.encode)
        assert all(draft.get(key).row() == rows[key] for key in wanted)

    looking.write_manifest(storage, *rows.values(), archive=archive, part_rows=2)

    written = manifest.read_latest(storage, builders.OUTPUT, archive)
    in_order = [rows[key] for key in sorted(wanted, key=str.encode)]
    assert list(manifest.read_rows(storage, written)) == in_order
    assert [row.row() for row in manifest.remembered(storage, written)] == in_order
    assert all(manifest.find_row(storage, written, key) == rows[key] for key in wanted)


@any_door
@given(legal_keys)
def test_a_remembered_row(key):
    row = builders.row(key, sidecar_key=f"{key}.transcript.json", message=f'{{"key":"{key}"}}')

    remembered = remembered_row(row.model_dump_json().encode())

    assert (remembered.key, remembered.row()) == (key, row)
    assert json.loads(remembered.line)["key"] == key


@pytest.fixture(params=["a store of one's own", "AWS"])
def presigning(request, monkeypatch):
    """Our client, and what comes before the key in its URLs."""
    variables = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    if request.param == "AWS":
        for storage in s3_storage(monkeypatch, variables):
            in_region(storage, "eu-west-1")
            yield storage, "/"
    else:
        own = variables | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        yield from ((storage, f"/{builders.BUCKET}/") for storage in s3_storage(monkeypatch, own))


@any_door
@given(key=legal_keys)
def test_a_presigned_url(presigning, key):
    storage, before = presigning

    url = storage.presign(builders.BUCKET, key, version_id=None, expires_s=60)

    assert url.isascii()
    assert url.isprintable()
    assert unquote(urlsplit(url).path) == before + key
    # What clients ask for that clean a URL up: those of fal's own kind.
    asked = [httpx.URL(url).raw_path.decode(), parse_url(url).request_uri]
    assert [unquote(path.partition("?")[0]) for path in asked] == [before + key] * 2


@any_door
@given(legal_keys)
def test_the_command_line(key):
    assert S3Uri().convert(f"s3://podcasts/{key}", None, None) == Place(bucket="podcasts", prefix=key)


def files_of(key, output):
    """All that is written for an object, whatever it may be."""
    job_id = keys.job_id(builders.audio(key), builders.recipe())
    return {
        keys.sidecar_key(output, key),
        *(keys.derived_key(output, key, kind) for kind in Format),
        keys.intent_key(output, job_id),
        keys.unplaced_key(output, job_id),
    }


# Keys that somebody or something on the way takes for the same.
alike = st.sampled_from(
    [
        lambda key: unicodedata.normalize("NFC", key),
        lambda key: unicodedata.normalize("NFD", key),
        lambda key: key + ".vtt",
        lambda key: key + keys.SIDECAR_SUFFIX,
        lambda key: key + "/",
        lambda key: "/" + key,
        lambda key: key + "~",
        lambda key: key + "~/",
        lambda key: key.replace("//", "/"),
        lambda key: key.swapcase(),
        lambda key: key.strip() or "-",
        unquote,
        quote,
    ]
)
twins = st.tuples(legal_keys, legal_keys) | st.builds(lambda key, change: (key, change(key)), legal_keys, alike)


@any_door
@given(twins, st.sampled_from(OUTPUTS))
def test_two_objects_share_no_file(pair, output):
    one, other = pair

    assert (files_of(one, output) & files_of(other, output) == set()) == (one != other)


@any_door
@given(twins | st.tuples(st.just(""), legal_keys), st.sampled_from(OUTPUTS))
def test_two_archives_share_no_folder(pair, output):
    folders = [keys.archive_folder(output, Place(bucket=builders.BUCKET, prefix=prefix)) for prefix in pair]

    assert (folders[0] == folders[1]) == (pair[0] == pair[1])


@pytest.mark.parametrize("key", ODD)
def test_the_examples_are_legal_and_all_different(key):
    assert 1 <= len(key.encode()) <= keys.MAX_KEY_BYTES
    assert ODD.count(key) == 1
