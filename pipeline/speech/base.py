"""Transcriber: what the stages need of a speech-to-text service. A request is paid, so each act is separate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from pipeline.cancellation import CancellationToken
from pipeline.models import Answer, Asked, PaidRequest, Recipe

OnNotice = Callable[[Callable[[], None]], Callable[[], None]]
"""Takes what is to be called, from any thread, once the service has told of a request's end; gives what forgets it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Audio that is to be brought to the service, read piece by piece."""

    uri: str
    """For messages."""
    file_name: str
    size_bytes: int
    read: Callable[[int, int], bytes]
    """Some bytes from a start on, fewer at the end. May raise, and what it raises ends the upload."""
    check: Callable[[], None] = lambda: None
    """Called before anything is sent; raises when the upload is not wanted any more."""


class Transcriber(ABC):
    """A queue of paid requests. Methods block the calling thread; one instance serves many threads."""

    @abstractmethod
    def recipe(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> Recipe:
        """Makes the recipe for an endpoint from the user's words; no network.

        `extra` are arguments as the model names them: they win over what is asked, and pass through.
        Raises `ConfigurationError` for what a known model cannot do.
        """

    @abstractmethod
    def check_key(self) -> None:
        """Asks the service, free of charge, whether it accepts the key. Raises `AccountError` when not."""

    @abstractmethod
    def upload(self, recording: Recording, *, lifetime_s: int) -> str:
        """Brings audio to the service's own storage, which keeps it for so long; its URL, a secret.

        Free of charge, and may be done again. Memory stays bounded whatever the size. Raises what reading raises,
        `AccountError`, `ThrottledError`, `ServiceUnavailableError` (`upload_failed`), `BadInputError`
        (`upload_refused`) for this recording, and `ConfigurationError` where nothing can be uploaded.
        """

    @abstractmethod
    def submit(
        self, recipe: Recipe, audio_url: str, *, store_io: bool = True, webhook_url: str | None = None
    ) -> PaidRequest:
        """Sends the paid POST exactly once, and never again on its own. The service calls `webhook_url` at its end.

        `store_io`: whether the service may keep input and output; without them no history can show what became of it.
        Raises `UncertainError` when the reply was lost after anything was sent; every other error is a promise
        that nothing was accepted: `AccountError`, `ConfigurationError` (no such model), `BadInputError`,
        `ThrottledError`, `ServiceUnavailableError`.
        """

    @abstractmethod
    def wait(
        self,
        request: PaidRequest,
        *,
        audio_s: float | None,
        cancel: CancellationToken,
        on_notice: OnNotice | None = None,
    ) -> None:
        """Returns when the service calls the request completed (well or badly); spends no attempt (I4).

        With `on_notice` the service will call back: it is asked rarely, and at once after a notice, which by itself
        ends nothing.

        `audio_s` is the length of the audio, from which the first look is timed. Unanswered polls are retried
        without end until the configured deadline, then `ServiceUnavailableError`: the request goes on, and the
        same call may be made again later. Also returns when the service no longer knows the request: `fetch`
        finds out whether its result is lost. Raises `Cancelled` when the token is set.
        """

    @abstractmethod
    def find(
        self, recipe: Recipe, url_hash: str, *, since: datetime, until: datetime | None, exclude: Collection[str]
    ) -> PaidRequest | None:
        """Looks in the service's request history for the request submitted with the URL of that hash, since then.

        It has ended by `until`, or not at all (None: no such moment is known). A margin for clocks that differ is left
        on both sides. Request ids in `exclude` are known already.
        None: not there, or not yet. Costs nothing and changes nothing.

        Raises `UncertainError` with reason `history_unreadable` when the history cannot tell, however often it is
        asked: the key may not read it, or inputs that could be ours are not stored. Raises
        `ServiceUnavailableError` or `ThrottledError` when it does not tell now: ask again.
        """

    @abstractmethod
    def recognise(self, endpoint_id: str, request_id: str, *, submitted_at: datetime) -> PaidRequest | None:
        """The request of this id, when the service knows it as one of this account's; None when it does not (any more).

        Raises `ServiceUnavailableError` or `ThrottledError` when it does not tell now.
        """

    @abstractmethod
    def is_over(self, request: PaidRequest) -> bool:
        """One look: whether the request has ended or is forgotten; False when the service does not tell now."""

    @abstractmethod
    def fetch(self, request: PaidRequest, recipe: Recipe) -> Answer:
        """Gets and normalises the result of a completed request, from the service's archive when it is forgotten.

        Raises what the request failed with (`AudioRejectedError`, `RequestFailedError`, ...), or
        `ResultExpiredError` when nowhere anything of it is left, or `ServiceUnavailableError` when it could not be
        read now. `billable_units` is None when it came from the archive.
        """

    @abstractmethod
    def cancel(self, request: PaidRequest) -> bool:
        """Asks the service to drop a request; False when it was too late."""

    @abstractmethod
    def delete_payloads(self, request_id: str) -> None:
        """Has the service delete its copies of a request's input and output; again is the same as once.

        Raises what refuses or prevents it. From then on neither `find` nor `fetch` can be sure of this request.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends connections and threads."""
