"""What `nightscribe listen` does: takes messages, gathers them, has each batch transcribed, then deletes its messages.

A message is deleted only when the run over its objects is complete. Whatever dies before, it comes back, and the same
plan finds what is done already.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from pipeline.arrivals.base import Inbox, Message
from pipeline.arrivals.decoding import Event, UnreadableMessageError, events_of
from pipeline.arrivals.gathering import Batch
from pipeline.arrivals.holding import Held
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import ConfigurationError, RunActiveError, TransientError
from pipeline.settings.nights import ListenSettings

P = ParamSpec("P")
T = TypeVar("T")
_LONGEST_WAIT_S = 20.0  # SQS's own bound of one question
_REMEMBERED = 1000  # unreadable messages that were told of: each comes again and again, and is told once
# Faults of the moment to who listens for weeks: workers are upgraded, or still have jobs of another run.
_WAITED_FOR = {"began_without_ceiling", "no_worker"}


@dataclass
class Listening:
    """One listener. `transcribe` makes a run over keys and raises what a run raises; `say` tells people a sentence."""

    inbox: Inbox
    settings: ListenSettings
    concerns: Callable[[Event], bool]
    transcribe: Callable[[list[str]], None]
    cancel: CancellationToken
    say: Callable[[str], None]
    again_s: float
    """How long to wait for another run, or for a service that is away, before the next try."""
    clock: Callable[[], float] = time.monotonic
    _unreadable: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _is_troubled: bool = False

    def listen(self) -> None:
        """Listens until the token is set. Raises `Cancelled` then, and what ends a run that nobody waits for."""
        with Held(self.inbox, self.settings.visibility_s) as held:
            while True:
                batch = self._gather(held)
                if keys := batch.keys:
                    self._insist(self.transcribe, keys)
                self._insist(held.finish, batch.receipts)

    def _gather(self, held: Held) -> Batch:
        """Messages until the batch is full or old enough; an empty one never is."""
        batch = Batch(self.concerns, self.settings.batch_size)
        begins_at = math.inf
        while not batch.is_full and (left_s := begins_at - self.clock()) > 0:
            messages = self._insist(self._received, math.ceil(min(_LONGEST_WAIT_S, left_s)))
            self._take_in(messages, batch)
            held.keep(batch.receipts)
            if begins_at == math.inf and batch.receipts:
                begins_at = self.clock() + self.settings.gather_s
        return batch

    def _take_in(self, messages: list[Message], batch: Batch) -> None:
        unneeded = []
        for message in messages:
            try:
                events = events_of(message.body)
            except UnreadableMessageError as error:
                self._tell_unreadable(message, error)
                continue
            if not events:
                self.say("S3's test event has come: notifications of a bucket reach this queue.")
            if not batch.add(message, events):
                unneeded.append(message.receipt)
        if unneeded:
            self._insist(self.inbox.delete, unneeded)

    def _tell_unreadable(self, message: Message, error: UnreadableMessageError) -> None:
        if message.message_id in self._unreadable:
            return
        self._unreadable[message.message_id] = None
        if len(self._unreadable) > _REMEMBERED:
            self._unreadable.popitem(last=False)
        self.say(
            f"Message {message.message_id} is left in the queue: {error}. The queue's redrive policy decides what "
            "becomes of it; with a dead-letter queue it can be looked at there."
        )

    def _received(self, wait_s: int) -> list[Message]:
        """The next messages, asked for in a thread: who is told to stop does not wait for the end of a long poll."""
        answer: SimpleQueue[list[Message] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answer.put(self.inbox.receive(wait_s))
            except Exception as error:  # noqa: BLE001  raised below, where it belongs
                answer.put(error)

        forget = self.cancel.on_cancel(lambda: answer.put(Cancelled()))
        try:
            threading.Thread(target=ask, name="receive", daemon=True).start()
            told = answer.get()
        finally:
            forget()
        if isinstance(told, Exception):
            raise told
        return told

    def _insist(self, act: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Does it again until it succeeds, saying once what it waits for. Raises what does not end by itself."""
        while True:
            self.cancel.raise_if_cancelled()
            try:
                done = act(*given, **named)
            except RunActiveError as error:
                self._tell_trouble(f"{error.message} The messages wait until it has ended.")
            except TransientError as error:
                self._tell_trouble(f"{error.message} Listening goes on when that has passed.")
            except ConfigurationError as error:
                if error.reason not in _WAITED_FOR:
                    raise
                self._tell_trouble(f"{error.message} The messages wait until then.")
            else:
                if self._is_troubled:
                    self._is_troubled = False
                    self.say("Listening goes on.")
                return done
            self.cancel.sleep(self.again_s)

    def _tell_trouble(self, what: str) -> None:
        """Says so once, not at every try."""
        if not self._is_troubled:
            self.say(what)
        self._is_troubled = True
