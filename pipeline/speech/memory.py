"""ScriptedTranscriber: a Transcriber that plays scripts and keeps count, for tests of the stages. No network."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from pydantic import JsonValue

from pipeline.cancellation import CancellationToken
from pipeline.errors import AccountError, ResultExpiredError, UncertainError
from pipeline.keys import url_hash as hash_of
from pipeline.models import Answer, Asked, PaidRequest, Recipe, Transcript
from pipeline.speech.base import OnNotice, Recording, Transcriber

_PIECE_BYTES = 1 << 20
_HELLO = Answer(transcript=Transcript(text="hello"), raw={"text": "hello"})


@dataclass(frozen=True)
class Script:
    """The fate of one request: an exception takes the place of an act, None lets it succeed."""

    answer: Answer = _HELLO
    submit: BaseException | None = None
    wait: BaseException | None = None
    fetch: BaseException | None = None
    find: BaseException | None = None
    """What a look for the request in the history brings, whether it was accepted or not."""
    delete: BaseException | None = None
    """What the deletion of its payloads brings."""
    recognise: BaseException | None = None
    """What the look at it brings when only its id is known."""
    is_lost_but_accepted: bool = False
    """The request is taken, but its `submit` raises: the given error, or that the reply was lost."""


class ScriptedTranscriber(Transcriber):
    """Plays `scripts` in order, or `by_path` for an audio URL's decoded path; the last one repeats. Records all."""

    def __init__(self, *scripts: Script, by_path: Mapping[str, Sequence[Script]] | None = None) -> None:
        self.submits: list[tuple[Recipe, str]] = []
        self.webhook_urls: list[str | None] = []
        self.excluded: frozenset[str] = frozenset()
        """What the last look into the history was told to pass over."""
        self.calls: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._scripts = list(scripts) or [Script()]
        self._by_path = {path: list(queue) for path, queue in (by_path or {}).items()}
        self._requests: dict[str, Script] = {}
        self._history: dict[str, list[PaidRequest]] = {}
        self._sent: dict[str, Script] = {}

    def accept(
        self, script: Script, endpoint_id: str = "fal-ai/whisper", *, url_hash: str | None = None
    ) -> PaidRequest:
        """Makes a request that is already at the service, as an earlier worker would have left it.

        With `url_hash` the history shows it as submitted with that URL.
        """
        with self._lock:
            request_id = f"request-{len(self._requests) + 1}"
            self._requests[request_id] = script
        request = _request(endpoint_id, request_id, datetime.now(UTC))
        if url_hash is not None:
            self._sent[url_hash] = script
            self._history.setdefault(url_hash, []).append(request)
        return request

    def recipe(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> Recipe:
        """Takes the words as they are, without any rule of a model."""
        return Recipe(endpoint_id=endpoint_id, arguments={"language": asked.language, "task": asked.task, **extra})

    def check_key(self) -> None:
        """Refuses the key when the next submission would be refused for it."""
        if isinstance(self._scripts[0].submit, AccountError):
            raise self._scripts[0].submit

    def upload(self, recording: Recording, *, lifetime_s: int) -> str:
        """Reads all of it, and keeps nothing but a line in `calls`; no two URLs are equal."""
        for start in range(0, recording.size_bytes, _PIECE_BYTES):
            recording.read(start, _PIECE_BYTES)
        with self._lock:
            self.calls.append(("upload", recording.uri))
            number = len(self.calls)
        return f"https://files.test/files/canary{number}/{recording.file_name}?kept={lifetime_s}"

    def submit(
        self, recipe: Recipe, audio_url: str, *, store_io: bool = True, webhook_url: str | None = None
    ) -> PaidRequest:
        """Plays the next script for this URL. What is not to be stored is shown by no history."""
        with self._lock:
            self.submits.append((recipe, audio_url))
            self.webhook_urls.append(webhook_url)
            queue = self._by_path.get(unquote(urlsplit(audio_url).path), self._scripts)
            script = queue.pop(0) if len(queue) > 1 else queue[0]
        url_hash = hash_of(audio_url)
        self._sent[url_hash] = script
        if not script.is_lost_but_accepted:
            _play(script.submit)
        request = self.accept(script, recipe.endpoint_id, url_hash=url_hash if store_io else None)
        self.calls.append(("submit", request.request_id))
        if script.is_lost_but_accepted:
            _play(script.submit or UncertainError("The reply was lost."))
        return request

    def wait(
        self,
        request: PaidRequest,
        *,
        audio_s: float | None,  # noqa: ARG002  the interface's
        cancel: CancellationToken,
        on_notice: OnNotice | None = None,
    ) -> None:
        """Returns at once, unless cancelled or scripted otherwise; also for a request that is unknown here."""
        cancel.raise_if_cancelled()
        if on_notice is not None:
            on_notice(lambda: None)()
            self.calls.append(("listen", request.request_id))
        self.calls.append(("wait", request.request_id))
        if request.request_id in self._requests:
            _play(self._requests[request.request_id].wait)

    def find(
        self,
        recipe: Recipe,
        url_hash: str,
        *,
        since: datetime,  # noqa: ARG002  the interface's
        until: datetime | None,  # noqa: ARG002  the interface's
        exclude: Collection[str],
    ) -> PaidRequest | None:
        """Finds what was accepted with this URL, however long ago, unless scripted otherwise."""
        self.calls.append(("find", url_hash))
        self.excluded = frozenset(exclude)
        _play(self._sent[url_hash].find if url_hash in self._sent else None)
        found = [request for request in self._history.get(url_hash, ()) if request.endpoint_id == recipe.endpoint_id]
        return next((request for request in found if request.request_id not in exclude), None)

    def recognise(self, endpoint_id: str, request_id: str, *, submitted_at: datetime) -> PaidRequest | None:
        """Knows what was accepted here, unless its look is scripted otherwise."""
        self.calls.append(("recognise", request_id))
        if request_id not in self._requests:
            return None
        _play(self._requests[request_id].recognise)
        return _request(endpoint_id, request_id, submitted_at)

    def is_over(self, request: PaidRequest) -> bool:
        """What it scripts ends at once, unless its wait is scripted otherwise."""
        script = self._requests.get(request.request_id)
        return script is None or script.wait is None

    def fetch(self, request: PaidRequest, recipe: Recipe) -> Answer:  # noqa: ARG002  the interface's
        """Gives the scripted answer."""
        _play(self._script(request, "fetch").fetch)
        return self._requests[request.request_id].answer

    def cancel(self, request: PaidRequest) -> bool:
        """Is always in time."""
        return bool(self._script(request, "cancel"))

    def delete_payloads(self, request_id: str) -> None:
        """Notes it, unless scripted otherwise."""
        self.calls.append(("delete_payloads", request_id))
        script = self._requests.get(request_id)
        _play(script.delete if script else None)

    def close(self) -> None:
        """Does nothing."""

    def _script(self, request: PaidRequest, act: str) -> Script:
        self.calls.append((act, request.request_id))
        if request.request_id not in self._requests:
            raise ResultExpiredError(f"Request {request.request_id} is unknown here.")
        return self._requests[request.request_id]


def _request(endpoint_id: str, request_id: str, submitted_at: datetime) -> PaidRequest:
    url = f"https://queue.test/{endpoint_id}/requests/{request_id}"
    urls = {"status_url": f"{url}/status", "response_url": url, "cancel_url": f"{url}/cancel"}
    return PaidRequest(request_id=request_id, endpoint_id=endpoint_id, submitted_at=submitted_at, **urls)


def _play(error: BaseException | None) -> None:
    if error is not None:
        raise error
