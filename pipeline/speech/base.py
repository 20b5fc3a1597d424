"""Transcriber: what the stages need of a speech-to-text service. A request is paid, so each act is separate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import datetime

from pydantic import JsonValue

from pipeline.cancellation import CancellationToken
from pipeline.models import Answer, Asked, PaidRequest, Recipe


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
    def submit(self, recipe: Recipe, audio_url: str) -> PaidRequest:
        """Sends the paid POST exactly once, and never again on its own.

        Raises `UncertainError` when the reply was lost after anything was sent; every other error is a promise
        that nothing was accepted: `AccountError`, `ConfigurationError` (no such model), `BadInputError`,
        `ThrottledError`, `ServiceUnavailableError`.
        """

    @abstractmethod
    def wait(self, request: PaidRequest, *, audio_s: float | None, cancel: CancellationToken) -> None:
        """Returns when the service calls the request completed (well or badly); spends no attempt (I4).

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
    def close(self) -> None:
        """Ends connections and threads."""
