"""A batch holds the newest event of each key, in whatever order and however often events come."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queues import message, notification, record

from pipeline.arrivals.decoding import Event, Happened, events_of
from pipeline.arrivals.gathering import Batch
from pipeline.cli.listen import concerns
from pipeline.cli.wishes import Wish
from pipeline.models import Place


def gathered(*records, size=100):
    batch = Batch(lambda event: event.key.endswith(".mp3"), size)
    for number, one in enumerate(records):
        body = notification(one)
        batch.add(message(body, number), events_of(body))
    return batch


events = st.lists(st.tuples(st.sampled_from(["a.mp3", "b.mp3"]), st.booleans()), min_size=1, max_size=6).map(
    lambda told: [(key, is_created, f"{number:04X}") for number, (key, is_created) in enumerate(told, 1)]
)


@given(events, st.data())
def test_disorder_and_repeats_change_nothing(history, data):
    """What stands at the end is what the last event of each key says, as if they had come in order and once."""
    wanted = {key: is_created for key, is_created, _ in history}
    come = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))

    batch = gathered(
        *(
            record(key, "ObjectCreated:Put" if is_created else "ObjectRemoved:Delete", sequencer=sequencer)
            for key, is_created, sequencer in come
        )
    )

    assert batch.keys == sorted(key for key, is_created in wanted.items() if is_created)


def test_messages_about_nothing_of_ours_are_not_kept():
    batch = gathered(record("a.jpg"), record("a.mp3", "ObjectTagging:Put"), record("b.mp3"))

    assert batch.keys == ["b.mp3"]
    assert batch.receipts == {"id-2": "receipt-2"}


def test_of_a_repeated_message_the_last_receipt_counts():
    batch, body = gathered(), notification(record("a.mp3"))
    for receipt in ("first", "second"):
        batch.add(message(body, 7, receipt), events_of(body))

    assert batch.receipts == {"id-7": "second"}


@pytest.mark.parametrize(
    "records", [[record("a.mp3"), record("b.mp3")], [record("a.mp3"), record("a.mp3")]], ids=["keys", "messages"]
)
def test_a_batch_is_full_by_its_keys_or_by_its_messages(records):
    assert not gathered(records[0], size=2).is_full
    assert gathered(*records, size=2).is_full


def test_a_message_with_many_records_fills_a_batch():
    body = notification(*(record(f"{number}.mp3") for number in range(5)))
    batch = Batch(lambda _: True, 5)
    batch.add(message(body), events_of(body))

    assert batch.is_full


@pytest.mark.parametrize(
    ("bucket", "key", "is_heeded"),
    [
        ("podcasts", "shows/a.mp3", True),
        ("podcasts", "shows/A.MP3", True),
        ("podcasts", "shows/x.mp3.transcript.json.mp3", True),
        ("others", "shows/a.mp3", False),
        ("podcasts", "elsewhere/a.mp3", False),
        ("podcasts", "shows/a.mp3.transcript.json", False),
        ("podcasts", "shows/a.mp3.vtt", False),
        ("podcasts", "shows/cover.jpg", False),
        ("podcasts", "shows/_nightscribe/probe.mp3", False),
        ("podcasts", "shows/draft.mp3", False),
        ("podcasts", "shows/a\0b.mp3", False),
        ("podcasts", "shows/" + "a" * 1020 + ".mp3", False),
    ],
)
def test_only_audio_of_the_archive_is_heeded(bucket, key, is_heeded):
    place = Place(bucket="podcasts", prefix="shows/")
    wish = Wish(place, builders.recipe(), Place(bucket="podcasts"), exclude=("*draft*",))

    assert concerns(builders.settings(), wish)(Event(Happened.CREATED, bucket, key)) is is_heeded
