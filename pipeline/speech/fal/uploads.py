"""Uploads to fal's storage, as fal's JavaScript client makes them (docs/fal.md section 10), in bounded memory.

    up to 90 MB   POST REST/storage/upload/initiate ─▶ upload_url, file_url    PUT upload_url
    above         POST REST/.../initiate-multipart  ─▶ the same    PUT upload_url/1, /2 ...   POST upload_url/complete

The key goes to the REST host alone: the upload's URL is signed, and may lead to any host.
"""

from __future__ import annotations

import json
import mimetypes
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from pipeline.errors import BadInputError, ConfigurationError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.settings.records import FalSettings
from pipeline.speech.base import Recording
from pipeline.speech.fal.account import account_error
from pipeline.speech.fal.addresses import unless_stray
from pipeline.speech.fal.faults import READ_EXCEPTIONS
from pipeline.speech.fal.wire import ErrorBody, Reply, error_body, retry_after_s
from pipeline.speech.fal.wording import sentence

ONE_PUT_BYTES = 90 << 20  # the JavaScript client's bound
PART_BYTES = 10 << 20  # its parts, and what is read of a body at a time as it is sent
_AT_ONCE = 4  # per process: each holds a part in memory, and together they fill the line of any host
_TRIES = 3  # of one PUT or call, as the JavaScript client's parts
_PAUSE_S = 1.0
_STORAGE = "storage_type=fal-cdn-v3"
_PASSING = frozenset({408, 409, 425, 429, 499})
_AGAIN = "It is uploaded again later; nothing was paid."


class _Ticket(BaseModel):
    """Where an upload goes, and where it can be read afterwards. Both are secret."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    upload_url: str = Field(pattern=r"^https?://", repr=False)
    file_url: str = Field(pattern=r"^https?://", repr=False)


class Uploads:
    """Thread-safe; each upload has connections of its own."""

    def __init__(
        self,
        settings: FalSettings,
        key: SecretStr,
        user_agent: str,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rest_url = unless_stray(settings.rest_url, settings.queue_url)
        self._headers = {
            "Authorization": f"Key {key.get_secret_value()}",
            "User-Agent": user_agent,
            "Accept": "application/json",
        }
        self._timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s)
        self._transport = transport
        self._pause = pause
        self._gate = threading.Semaphore(_AT_ONCE)

    def upload(self, recording: Recording, *, lifetime_s: int) -> str:
        """See `Transcriber.upload`."""
        if not self._rest_url:
            raise ConfigurationError(
                "Nothing can be uploaded: fal.rest_url is empty, or not of the same service as fal.queue_url. Set it, "
                "or choose another --delivery.",
                "no_uploads",
            )
        with self._gate, httpx.Client(timeout=self._timeout, transport=self._transport) as client:
            recording.check()  # there may have been a line at the gate
            return _Upload(client, recording, self._pause).run(self._rest_url, self._headers, lifetime_s)


class _Upload:
    """One upload. Its client has no header of ours: the key is added where it is due."""

    def __init__(self, client: httpx.Client, recording: Recording, pause: Callable[[float], None]) -> None:
        self._client = client
        self._recording = recording
        self._pause = pause
        guessed, _ = mimetypes.guess_type(recording.file_name)
        self._content_type = guessed or "application/octet-stream"

    def run(self, rest_url: str, headers: dict[str, str], lifetime_s: int) -> str:
        """Uploads, and returns the file's URL."""
        is_large = self._recording.size_bytes > ONE_PUT_BYTES
        ticket = self._initiate(
            f"{rest_url}/storage/upload/initiate{'-multipart' if is_large else ''}?{_STORAGE}", headers, lifetime_s
        )
        if is_large:
            self._put_parts(httpx.URL(ticket.upload_url))
        else:
            self._put(ticket.upload_url, 0, self._recording.size_bytes, {"Content-Type": self._content_type})
        return ticket.file_url

    def _initiate(self, url: str, headers: dict[str, str], lifetime_s: int) -> _Ticket:
        # fal's clients send either name, and the Python client both.
        lifetime = json.dumps({"expiration_duration_seconds": lifetime_s})
        lifecycle = {"X-Fal-Object-Lifecycle": lifetime, "X-Fal-Object-Lifecycle-Preference": lifetime}
        asked = {"file_name": self._recording.file_name, "content_type": self._content_type}
        reply = self._call(lambda: self._client.post(url, json=asked, headers=headers | lifecycle), is_fals=True)
        try:
            return _Ticket.model_validate_json(reply.content)
        except ValidationError:
            raise self._failed("fal's answer names no place to upload to") from None

    def _put_parts(self, url: httpx.URL) -> None:
        size, parts = self._recording.size_bytes, []
        for number, start in enumerate(range(0, size, PART_BYTES), 1):
            reply = self._put(_below(url, str(number)), start, min(PART_BYTES, size - start), {})
            parts.append({"partNumber": number, "etag": self._etag(reply)})
        self._call(lambda: self._client.post(_below(url, "complete"), json={"parts": parts}))

    def _put(self, url: str | httpx.URL, start: int, length: int, headers: dict[str, str]) -> Reply:
        # The length is told, or httpx would send chunks, which signed URLs of object stores refuse.
        headers = headers | {"Content-Length": str(length)}
        return self._call(lambda: self._client.put(url, content=self._pieces(start, length), headers=headers))

    def _pieces(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        while start < end:
            piece = self._recording.read(start, min(PART_BYTES, end - start))
            if not piece:
                raise self._failed("the object is shorter than its listing said")
            yield piece
            start += len(piece)

    def _etag(self, reply: Reply) -> str:
        """In the answer's body for one of fal's clients, in a header for the other."""
        try:
            body = json.loads(reply.content)
        except ValueError:
            body = None
        etag = body.get("etag") if isinstance(body, dict) else None
        if not (etag := etag or reply.headers.get("etag")):
            raise self._failed("fal's storage did not confirm a part")
        return str(etag)

    def _call(self, send: Callable[[], httpx.Response], *, is_fals: bool = False) -> Reply:
        """Sends until it is done, a few times: none of this costs anything, and parts replace themselves."""
        for attempt in range(1, _TRIES + 1):
            try:
                reply = _reply(send())
            except READ_EXCEPTIONS as error:
                if isinstance(error, NightscribeError):
                    raise
                # The exception's own words may quote the URL.
                failure: NightscribeError = self._failed(f"the connection failed ({type(error).__name__})")
            else:
                if reply.is_success:
                    return reply
                failure = self._refusal(reply, is_fals=is_fals)
                if not isinstance(failure, ThrottledError | ServiceUnavailableError):
                    raise failure
            if attempt == _TRIES or failure.delay_s is not None:
                raise failure
            self._pause(_PAUSE_S * 2 ** (attempt - 1))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _refusal(self, reply: Reply, *, is_fals: bool) -> NightscribeError:
        # Whoever refuses may quote what was sent: the key, or the signed URL. Only its type is passed on.
        body = ErrorBody(kind := error_body(reply).kind, kind or "")
        what = f"fal answered HTTP {reply.status} to the upload of {self._recording.uri}"
        if is_fals and (account := account_error(reply.status, body, what)):
            return account
        delay_s = retry_after_s(reply)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return ThrottledError(sentence(what, body.text, _AGAIN), delay_s=delay_s)
        is_definite = HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if is_fals and reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            return ConfigurationError(sentence(what, body.text, "Check fal.rest_url."), "no_uploads")
        # A signed URL is refused when it has expired; what fal's own REST API refuses, it will refuse again.
        if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (
            is_fals and is_definite and reply.status not in _PASSING
        ):
            return BadInputError(
                sentence(what, body.text, "Nothing was paid. Try another --delivery."), "upload_refused"
            )
        return self._failed(f"HTTP {reply.status}", delay_s)

    def _failed(self, why: str, delay_s: float | None = None) -> ServiceUnavailableError:
        what = f"The upload of {self._recording.uri} to fal's storage failed"
        return ServiceUnavailableError(sentence(what, why, _AGAIN), "upload_failed", delay_s)


def _below(url: httpx.URL, name: str) -> httpx.URL:
    """A path one step further down, with the same query."""
    path, question, query = url.raw_path.partition(b"?")
    return url.copy_with(raw_path=path + b"/" + name.encode() + question + query)


def _reply(response: httpx.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)
