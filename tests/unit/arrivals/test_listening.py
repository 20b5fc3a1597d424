"""The listener's loop: when batches begin, what is deleted when, and what it waits for."""

from __future__ import annotations

import threading

import builders
import pytest
from queues import TEST_EVENT, MemoryInbox, message, notification, record

from pipeline.arrivals.holding import Held
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli.arriving import Listening
from pipeline.errors import (
    AccountError,
    BudgetReachedError,
    ConfigurationError,
    RunActiveError,
    ServiceUnavailableError,
)


class Stage:
    """A listener over an inbox in memory; `runs` holds the keys of each run, `said` what people were told."""

    def __init__(self, *rounds, gather_s="30", batch_size="10"):
        self.cancel = CancellationToken()
        self.inbox = MemoryInbox(list(rounds), at_end=self._end_of_rounds)
        self.runs, self.said, self.faults = [], [], []
        self.now_s, self.deleted_before_run = 0.0, []
        settings = builders.settings(NIGHTSCRIBE_LISTEN_GATHER_S=gather_s, NIGHTSCRIBE_LISTEN_BATCH_SIZE=batch_size)
        self.listening = Listening(
            inbox=self.inbox,
            settings=settings.listen,
            concerns=lambda event: event.key.endswith(".mp3"),
            transcribe=self._transcribe,
            cancel=self.cancel,
            say=self.said.append,
            again_s=0.0,
            clock=lambda: self.now_s,
        )
        self._rest = 2  # questions without an answer: one for the batch to grow old, one to end

    def _end_of_rounds(self):
        self.now_s += 1000
        self._rest -= 1
        if not self._rest:
            self.cancel.cancel()

    def _transcribe(self, keys):
        if self.faults:
            raise self.faults.pop(0)
        self.deleted_before_run.append(list(self.inbox.deleted))
        self.runs.append(keys)

    def listen(self):
        with pytest.raises(Cancelled):
            self.listening.listen()
        return self


def created(key, number):
    return message(notification(record(key)), number)


def test_messages_are_deleted_only_when_their_run_is_complete():
    stage = Stage([created("b.mp3", 1)], [created("a.mp3", 2), created("b.mp3", 3)]).listen()

    assert stage.runs == [["a.mp3", "b.mp3"]]
    assert stage.deleted_before_run == [[]]
    assert sorted(stage.inbox.deleted) == ["receipt-1", "receipt-2", "receipt-3"]


def test_a_full_batch_begins_at_once_and_the_rest_comes_next():
    stage = Stage([created(f"{number}.mp3", number) for number in range(3)], [created("9.mp3", 9)], batch_size="3")
    stage.listen()

    assert stage.runs == [["0.mp3", "1.mp3", "2.mp3"], ["9.mp3"]]
    assert stage.inbox.waits[0] == 20


def test_what_was_removed_again_makes_no_run():
    gone = message(notification(record("a.mp3", "ObjectRemoved:Delete", sequencer="02")), 2)
    stage = Stage([message(notification(record("a.mp3", sequencer="01")), 1), gone]).listen()

    assert stage.runs == []
    assert sorted(stage.inbox.deleted) == ["receipt-1", "receipt-2"]


def test_messages_about_other_things_are_deleted_at_once():
    stage = Stage([message(TEST_EVENT, 1), created("cover.jpg", 2)]).listen()

    assert stage.inbox.deleted == ["receipt-1", "receipt-2"]
    assert [said for said in stage.said if "test event" in said]


def test_an_unreadable_message_is_left_and_told_once():
    poison = message("not JSON", 1)
    stage = Stage([poison], [poison, created("a.mp3", 2)]).listen()

    assert stage.inbox.deleted == ["receipt-2"]
    assert len([said for said in stage.said if "id-1" in said]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        RunActiveError("Run 7 is active."),
        ServiceUnavailableError("S3 did not answer."),
        ConfigurationError("Run 7 began without a ceiling.", "began_without_ceiling"),
        ConfigurationError("No worker is there.", "no_worker"),
    ],
)
def test_what_ends_by_itself_is_waited_for_and_told_once(fault):
    stage = Stage([created("a.mp3", 1)])
    stage.faults = [fault] * 5
    stage.listen()

    assert stage.runs == [["a.mp3"]]
    assert stage.inbox.deleted == ["receipt-1"]
    assert len([said for said in stage.said if fault.message in said]) == 1
    assert stage.said[-1] == "Listening goes on."


def test_a_queue_that_is_away_is_waited_for():
    away = ServiceUnavailableError("The queue did not answer.", "queue_unavailable")
    stage = Stage(away, away, [created("a.mp3", 1)])
    stage.inbox.fail_deletions = [away]
    stage.listen()

    assert stage.runs == [["a.mp3"]]
    assert stage.inbox.deleted == ["receipt-1"]
    assert len([said for said in stage.said if away.message in said]) == 2  # at the receiving, at the deletion


@pytest.mark.parametrize(
    "fault",
    [
        AccountError("fal refuses the key."),
        BudgetReachedError("The ceiling is reached."),
        ConfigurationError("There is no such bucket."),
    ],
)
def test_what_a_person_must_mend_ends_listening_and_gives_the_messages_back(fault):
    stage = Stage([created("a.mp3", 1)])
    stage.faults = [fault]

    with pytest.raises(type(fault)):
        stage.listening.listen()

    assert stage.inbox.deleted == []
    assert stage.inbox.held == [(("receipt-1",), 0)]


def test_a_stop_does_not_wait_for_the_end_of_a_long_poll():
    stage = Stage()
    polled = []

    def poll_for_long(wait_s):
        polled.append(wait_s)
        stage.cancel.cancel()
        CancellationToken().sleep(60)

    stage.inbox.receive = poll_for_long
    stage.listen()

    assert polled == [20]


def test_a_stop_while_gathering_gives_the_messages_back():
    stage = Stage([created("a.mp3", 1)])
    stage.inbox.at_end = stage.cancel.cancel
    stage.listen()

    assert stage.runs == []
    assert stage.inbox.held == [(("receipt-1",), 0)]


def test_messages_are_held_again_until_they_are_done():
    inbox = MemoryInbox([])
    held = Held(inbox, 300)
    held.keep({"id-1": "old", "id-2": "receipt-2"})
    held.keep({"id-1": "new"})
    held.renew()
    held.finish({"id-1": "old"})  # as the batch knew it
    held.renew()
    held.finish({"id-2": "receipt-2"})
    held.renew()

    assert inbox.held == [(("new", "receipt-2"), 300), (("receipt-2",), 300)]
    assert inbox.deleted == ["new", "receipt-2"]


def test_a_thread_holds_them_while_their_run_lasts():
    inbox, again = MemoryInbox([]), threading.Semaphore(0)
    inbox.hold = lambda *_: again.release() or 0

    with Held(inbox, 0.03) as held:
        held.keep({"id-1": "receipt-1"})
        assert all(again.acquire(timeout=60) for _ in range(3))


def test_a_queue_that_refuses_to_hold_costs_a_repeat_and_no_more():
    inbox = MemoryInbox([])
    inbox.hold = lambda *_: (_ for _ in ()).throw(ConfigurationError("sqs:ChangeMessageVisibility is not allowed."))
    held = Held(inbox, 300)
    held.keep({"id-1": "receipt-1"})
    held.renew()
    held.finish({"id-1": "receipt-1"})

    assert inbox.deleted == ["receipt-1"]
