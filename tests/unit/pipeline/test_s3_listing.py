"""Pages of a listing: read fast when they look as usual, surely when they do not, and always the same."""

from __future__ import annotations

from urllib.parse import quote
from xml.sax.saxutils import escape

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.storage.base import Listed
from pipeline.storage.s3 import S3Storage
from pipeline.storage.s3_listing import ROWS, S3Page, columns_of, take_rows

MODIFIED = "2026-11-22T02:00:00.000Z"
# XML 1.0 cannot write the others, which is why S3 url-encodes keys.
in_xml = st.text(
    st.characters(exclude_categories=["Cs"]).filter(
        lambda letter: letter in "\t\n" or (letter >= "\x20" and letter not in "\x7f\ufffe\uffff" and letter != "\r")
    ),
    min_size=1,
    max_size=10,
)
any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
USUAL = ("Key", "LastModified", "ETag", "Size")


def contents(key, *, size=7, order=USUAL, etag="&quot;abc-2&quot;", extra="<StorageClass>STANDARD</StorageClass>"):
    fields = {"Key": key, "LastModified": MODIFIED, "ETag": etag, "Size": str(size)}
    return f"<Contents>{''.join(f'<{name}>{fields[name]}</{name}>' for name in order)}{extra}</Contents>"


def listed(xml):
    return columns_of(xml.encode(), is_encoded=True).listed()


@given(st.lists(any_key, max_size=5), st.permutations(USUAL))
def test_any_key_comes_back_whatever_the_order_of_the_fields(keys, order):
    xml = "".join(contents(quote(key, safe="/").replace("%20", "+"), order=order) for key in keys)

    assert listed(xml) == [Listed(key, "abc-2", 7, MODIFIED) for key in keys]


@given(st.lists(in_xml, max_size=5))
def test_keys_that_are_not_encoded_may_look_like_anything(keys):
    xml = "".join(contents(escape(key)) for key in [*keys, "a+b%20c", "<Key>x</Key>"])

    assert columns_of(xml.encode(), is_encoded=False).keys == [*keys, "a+b%20c", "<Key>x</Key>"]


@pytest.mark.parametrize("etag", ["&quot;e&quot;", '"e"', "&#34;e&#34;", "e"])
@pytest.mark.parametrize("extra", ["", "<Owner><ID>x</ID></Owner>", "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"])
def test_etags_lose_their_quotes_and_other_fields_are_passed_over(etag, extra):
    assert listed(contents("k", etag=etag, extra=extra)) == [Listed("k", "e", 7, MODIFIED)]


@pytest.mark.parametrize("after", ["<Contents>", "</Key>", "</LastModified>", "</ETag>", "</Size>"])
@pytest.mark.parametrize(
    "extra", ["<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>", "<Owner><ID>x</ID></Owner>", "\n  "]
)
def test_other_fields_may_stand_anywhere(after, extra):
    xml = (contents("j") + contents("k")).replace(after, after + extra)

    assert listed(xml) == [Listed(key, "abc-2", 7, MODIFIED) for key in ("j", "k")]


def test_an_entry_without_a_field_does_not_borrow_it_from_the_next():
    broken = "<Contents><Key>a</Key></Contents>" + contents("b")

    with pytest.raises(KeyError):
        columns_of(broken.encode(), is_encoded=True)


def parsed(body, status=200):
    """What is left for botocore's parser, and what was taken."""
    response, taken = {"body": body, "status_code": status}, {}
    take_rows(response_dict=response, customized_response_dict=taken)
    return response["body"], taken


def test_botocore_is_left_the_frame_and_we_take_the_rows():
    rows = contents("a") + contents("b")
    frame, taken = parsed(f"<L><IsTruncated>true</IsTruncated>{rows}<KeyCount>2</KeyCount></L>".encode())

    assert frame == b"<L><IsTruncated>true</IsTruncated><KeyCount>2</KeyCount></L>"
    assert taken == {ROWS: rows.encode()}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<L></L>", 200), (b"<Error><Code>SlowDown</Code></Error>", 503), (contents("a").encode(), 404), (b"", 200)],
)
def test_what_holds_no_rows_or_is_an_error_is_botocores_alone(body, status):
    assert parsed(body, status) == (body, {})


@pytest.mark.parametrize(("letters", "at_most"), [(20, 100_000), (1000, 20_000)])
def test_a_page_that_is_kept_is_small_and_reads_the_same(letters, at_most):
    """A small part of its XML, and of long keys, which are much alike, even less."""
    show = "s" * (letters - 16)
    rows = "".join(contents(f"{show}/episode-{number:03}.mp3") for number in range(1000)).encode()
    page = S3Page({ROWS: rows, "EncodingType": "url", "IsTruncated": True, "NextContinuationToken": "t"})
    before = page.columns()

    page.pack()
    page.pack()

    assert page.columns() == before
    assert page.listed() == before.listed()
    assert (page.first_key, page.last_key, page.next_token) == (before.keys[0], before.keys[-1], "t")
    assert sum(len(kept) for kept in vars(page).values() if isinstance(kept, bytes | list)) < at_most


def test_a_page_that_botocore_has_read_can_be_kept_too():
    entry = {"Key": "a b.mp3", "ETag": '"e"', "Size": 7, "LastModified": builders.NOW}
    page = S3Page({"Contents": [entry], "EncodingType": "url", "IsTruncated": False})
    before = page.listed()

    page.pack()

    assert page.listed() == before == [Listed("a b.mp3", "e", 7, builders.NOW.isoformat())]
    assert (page.first_key, page.last_key) == ("a b.mp3", "a b.mp3")


def test_an_empty_page_has_no_last_key():
    page = S3Page({"IsTruncated": False})

    assert (page.listed(), page.last_key, page.next_token) == ([], "", None)


def test_no_other_handler_sees_the_rows(monkeypatch):
    """botocore itself parses whatever it sees of a body before it is parsed at all."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = S3Storage(builders.settings().s3)._client
    seen = []
    client.meta.events.register_first(
        "before-parse.s3.*", lambda response_dict, **_: seen.append(response_dict["body"])
    )
    taken = {}

    client.meta.events.emit(
        "before-parse.s3.ListObjectsV2",
        operation_model=client.meta.service_model.operation_model("ListObjectsV2"),
        response_dict={"body": f"<L>{contents('a')}</L>".encode(), "status_code": 200},
        customized_response_dict=taken,
    )

    assert seen == [b"<L></L>"]
    assert ROWS in taken
