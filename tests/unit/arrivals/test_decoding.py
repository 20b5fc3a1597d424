"""Messages about objects: any legal key comes out of all three shapes as it went in."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from legal_keys import legal_keys
from queues import TEST_EVENT, notification, record, through_bridge, through_sns

from pipeline.arrivals.decoding import Event, Happened, UnreadableMessageError, events_of, is_newer


def told(sequencer, key="a.mp3"):
    return Event(Happened.CREATED, "podcasts", key, sequencer)


@given(legal_keys)
def test_any_legal_key_comes_out_of_every_shape_as_it_went_in(key):
    direct, bridge = notification(record(key)), through_bridge(key)

    for body in (direct, bridge, through_sns(direct), through_sns(bridge)):
        assert [event.key for event in events_of(body)] == [key]


def test_a_plus_is_a_space_in_a_notification_and_a_plus_in_an_event_of_eventbridge():
    raw = record("x")
    raw["s3"]["object"]["key"] = "a+b%2Bc%20d%25.mp3"

    assert [event.key for event in events_of(notification(raw))] == ["a b+c d%.mp3"]
    assert [event.key for event in events_of(through_bridge("a+b%2Bc%20d%25.mp3"))] == ["a+b%2Bc%20d%25.mp3"]


@pytest.mark.parametrize(
    ("name", "happened"),
    [
        ("ObjectCreated:Put", Happened.CREATED),
        ("ObjectCreated:CompleteMultipartUpload", Happened.CREATED),
        ("s3:ObjectCreated:Copy", Happened.CREATED),  # MinIO
        ("ObjectRemoved:Delete", Happened.REMOVED),
        ("ObjectRemoved:DeleteMarkerCreated", Happened.REMOVED),
        ("LifecycleExpiration:Delete", Happened.REMOVED),
        ("ObjectTagging:Put", Happened.OTHER),
        ("ObjectRestore:Completed", Happened.OTHER),
    ],
)
def test_events_are_known_by_their_names(name, happened):
    (event,) = events_of(notification(record("a.mp3", name, eTag="e1", versionId="v1")))

    assert event == Event(happened, "podcasts", "a.mp3", "0055AED6DCD90281E5", "e1", "v1")


@pytest.mark.parametrize(
    ("kind", "happened"),
    [("Object Created", "created"), ("Object Deleted", "removed"), ("Object Tags Added", "other")],
)
def test_events_of_eventbridge_are_known_by_their_type(kind, happened):
    assert events_of(through_bridge("a.mp3", kind))[0].happened == happened


def test_one_message_may_tell_of_several_objects():
    body = notification(record("b.mp3"), record("a.mp3", "ObjectRemoved:Delete"))

    assert [(event.key, event.happened.value) for event in events_of(body)] == [
        ("b.mp3", "created"),
        ("a.mp3", "removed"),
    ]


@pytest.mark.parametrize("body", [TEST_EVENT, through_sns(TEST_EVENT)])
def test_the_test_event_of_s3_tells_of_nothing(body):
    assert events_of(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        '"text"',
        "{}",
        '{"Records": []}',
        '{"Records": {}}',
        '{"Records": [1]}',
        '{"Records": [{}]}',
        json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {}}}]}),
        json.dumps({"Records": [{"eventName": 1, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]}),
        notification(record("a.mp3") | {"eventName": ""}),
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "%ff"}}}]}',
        json.dumps({"source": "aws.s3", "detail": {}}),
        json.dumps({"source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "\ud800"}}}),
        json.dumps({"source": "aws.ec2", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}),
        through_sns(through_sns(through_sns(notification(record("a.mp3"))))),
        through_sns("Hello from SNS"),
    ],
)
def test_what_tells_of_no_object_is_unreadable(body):
    with pytest.raises(UnreadableMessageError):
        events_of(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Records", "s3", "object", "key", "bucket", "name", "eventName", "source", "detail", "Type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values | st.builds(lambda value: {"Records": [{"eventName": "x", "s3": value}]}, json_values))
def test_no_json_breaks_the_reader(value):
    with suppress(UnreadableMessageError):
        assert all(isinstance(event, Event) for event in events_of(json.dumps(value)))


def test_sequencers_are_numbers_whose_last_zeros_may_be_missing():
    assert is_newer(told("0A1"), told("0A0FFFF"))
    assert not is_newer(told("0A0FFFF"), told("0A1"))
    assert is_newer(told("0a1"), told("0A0"))
    assert not is_newer(told("0A"), told("0A00"))  # the same event, told again
    assert is_newer(told(""), told("FF"))
    assert is_newer(told("00"), told(""))


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_the_order_of_sequencers_is_that_of_numbers(one, other):
    ours, theirs = (f"{number:018X}".rstrip("0") or "0" for number in (one, other))

    assert is_newer(told(ours), told(theirs)) == (one > other)
