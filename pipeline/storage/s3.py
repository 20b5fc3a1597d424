"""S3 over boto3, for any S3-compatible endpoint (AWS_ENDPOINT_URL). The only file that imports boto3.

Credentials, region and endpoint come from AWS's own variables and chain. Every write is conditional (I8), and
botocore's retries are set on purpose here and nowhere else (I5).
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.response import StreamingBody

from pipeline.errors import SourceGoneError
from pipeline.settings import S3Settings
from pipeline.storage.base import CredentialTerm, Head, Page, Part, PreconditionFailedError, Storage, Stored
from pipeline.storage.s3_credentials import Term
from pipeline.storage.s3_faults import BOTO_EXCEPTIONS, translated_boto, translated_client
from pipeline.storage.s3_listing import S3Page, take_rows
from pipeline.storage.s3_signing import S3Signer, let_requester_pay

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
_MISSING = {"404", "NoSuchKey", "NotFound"}
# 304 is meant for reads, but some stores and proxies give it to every request whose condition does not hold.
_LOST = {"412", "PreconditionFailed", "304", "NotModified"}
_CONFLICT = {"409", "ConditionalRequestConflict", "OperationAborted"}
# AWS answers 409 when two conditional writes race and neither has won yet; the same write is then decided anew, after
# a pause that doubles, so that many writers part. All pauses together stay below a second.
_CONFLICT_TRIES = 5
_CONFLICT_PAUSE_S = 0.05
_DELETED_AT_ONCE = 1000  # S3's own bound of one DeleteObjects
# XML 1.0 has no way to write these, not even escaped, and DeleteObjects carries its keys in XML.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class _CutReplyError(BotoCoreError):
    """A connection that ends among the headers ends them for http.client, which says nothing."""

    fmt = "The answer broke off in the middle of its headers."


class _ResentError(PreconditionFailedError):
    """A condition that was lost by a request which had been sent before: perhaps to itself."""


class S3Storage(Storage):
    """One client, shared by all threads of a process; made after fork. `pause` waits that many seconds."""

    def __init__(self, settings: S3Settings, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._reads = settings.max_attempts
        # botocore logs presigned query strings at DEBUG; nothing of ours may pass them on (I9).
        logging.getLogger("botocore").setLevel(logging.WARNING)
        config = Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            max_pool_connections=settings.max_connections,
            retries={"mode": "standard", "total_max_attempts": settings.max_attempts},
            signature_version="s3v4",
            # Some stores send the checksum of the whole object with a part of it. The length is always checked.
            response_checksum_validation="when_required",
        )
        with _errors("", ""):
            session = boto3.session.Session()
            self._client: S3Client = session.client("s3", config=config)
            # botocore itself parses every body in search of an error. Handlers with a star in front come before that.
            self._client.meta.events.register("before-parse.*.ListObjectsV2", take_rows)
            if settings.request_payer:
                let_requester_pay(self._client.meta.events)
            self._signer = S3Signer(self._client, lambda **options: session.client("s3", **options), settings)
            self._term = Term(session.get_credentials)

    @property
    def server(self) -> str:
        """See `Storage.server`."""
        return urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]

    def page(self, bucket: str, prefix: str, *, after: str = "", token: str | None = None) -> Page:
        """See `Storage.page`."""
        begin: dict[str, Any] = {"ContinuationToken": token} if token else {"StartAfter": after} if after else {}
        with _errors(bucket, prefix):
            # botocore asks for url encoding by itself.
            return S3Page(self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **begin))

    def head(self, bucket: str, key: str) -> Head | None:
        """See `Storage.head`."""

        def look() -> Head:
            answer: Mapping[str, Any] = self._client.head_object(Bucket=bucket, Key=key)
            if "ContentLength" not in answer or "LastModified" not in answer:
                raise _CutReplyError
            return Head(
                etag=_etag(answer),
                size_bytes=answer["ContentLength"],
                last_modified=answer["LastModified"],
                version_id=answer.get("VersionId"),
                metadata=answer.get("Metadata", {}),
            )

        return _or_none(bucket, key, lambda: self._read_whole(look))

    def read(self, bucket: str, key: str) -> Stored | None:
        """See `Storage.read`."""

        def get() -> Stored:
            answer = self._client.get_object(Bucket=bucket, Key=key)
            return Stored(_whole(answer["Body"]), _etag(answer))

        return _or_none(bucket, key, lambda: self._read_whole(get))

    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> Part:
        """See `Storage.read_range`."""

        def get() -> Part:
            answer = self._client.get_object(
                Bucket=bucket, Key=key, Range=f"bytes={start}-{start + length - 1}", IfMatch=f'"{if_match}"'
            )
            return Part(_whole(answer["Body"]), answer.get("VersionId"))

        try:
            part = self._conditionally(bucket, key, lambda: self._read_whole(get))
        except PreconditionFailedError:
            part = None
        if part is None:
            raise SourceGoneError(
                f"s3://{bucket}/{key} was deleted or replaced after it was listed; the next run plans it again."
            )
        return part

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> str:
        """See `Storage.write`."""
        condition: dict[str, Any] = {"IfMatch": f'"{if_match}"'} if if_match else {"IfNoneMatch": "*"}

        def put() -> str:
            answer = self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata=dict(metadata or {}), **condition
            )
            try:
                return _etag(answer)
            except _CutReplyError:
                raise _ResentError(key) from None  # it was done; what stands there tells by whom

        try:
            etag = self._conditionally(bucket, key, put)
        except _ResentError:
            # botocore sends a write again whose reply was lost; that one then loses against the first.
            stored = self.read(bucket, key)
            if stored is None or stored.body != body:
                raise
            return stored.etag
        if etag is None:  # If-Match on a key that is gone answers 404, as AWS does
            raise PreconditionFailedError(key)
        return etag

    def delete(self, bucket: str, key: str) -> None:
        """See `Storage.delete`."""
        with _errors(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key)

    def delete_many(self, bucket: str, keys: Collection[str]) -> None:
        """See `Storage.delete_many`."""
        for key in filter(_NOT_IN_XML.search, keys):
            self.delete(bucket, key)
        rest = (key for key in keys if not _NOT_IN_XML.search(key))
        while batch := list(islice(rest, _DELETED_AT_ONCE)):
            with _errors(bucket, batch[0]):
                answer = self._client.delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            for failed in answer.get("Errors", ()):
                if failed.get("Code") not in _MISSING:
                    refusal = ClientError({"Error": failed}, "DeleteObjects")
                    raise translated_client(refusal, bucket, failed.get("Key", ""))

    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`."""
        with _errors(bucket, key):
            return self._signer.url(bucket, key, version_id=version_id, expires_s=expires_s)

    def credential_term(self, *, at_least_s: float) -> CredentialTerm:
        """See `Storage.credential_term`."""
        with _errors("", ""):
            return self._term.look(at_least_s)

    def close(self) -> None:
        """Closes the client's connections."""
        self._signer.close()
        self._client.close()

    def _read_whole(self, get: Callable[[], T]) -> T:
        """Repeats a read whose reply broke off, as often as botocore repeats a request: it has done with it by then."""
        for attempt in range(1, self._reads):
            try:
                return get()
            except _BROKEN_OFF:
                self._pause(_CONFLICT_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))
        return get()

    def _conditionally(self, bucket: str, key: str, call: Callable[[], T]) -> T | None:
        """Runs a conditional call: None for a missing key, `PreconditionFailedError` for a lost condition."""
        for attempt in range(1, _CONFLICT_TRIES + 1):
            with _errors(bucket, key):
                try:
                    return call()
                except ClientError as error:
                    code = _code(error)
                    if code in _MISSING:
                        return None
                    if code in _LOST:
                        was_resent = attempt > 1 or error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
                        raise (_ResentError if was_resent else PreconditionFailedError)(key) from error
                    if code not in _CONFLICT or attempt == _CONFLICT_TRIES:
                        raise
            self._pause(_CONFLICT_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable: the last attempt returns or raises")


_BROKEN_OFF = (IncompleteReadError, ResponseStreamingError, _CutReplyError)


def _bare(etag: str) -> str:
    return etag.strip('"')


def _etag(answer: Mapping[str, Any]) -> str:
    """The ETag of a reply. Raises `_CutReplyError` when it is missing, or broken off after its first quote."""
    etag = str(answer.get("ETag", ""))
    if not _bare(etag) or etag.count('"') == 1:
        raise _CutReplyError
    return _bare(etag)


def _whole(body: StreamingBody) -> bytes:
    """Reads a body to its end; `with body` would hand out the bare stream, which checks no length."""
    with closing(body):
        try:
            return body.read()
        except ReadTimeoutError as error:  # of a request that got no answer botocore raises the same, after its retries
            raise ResponseStreamingError(error=error) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _errors(bucket: str, key: str) -> Iterator[None]:
    """Turns botocore's exceptions into ours at the one boundary."""
    try:
        yield
    except ClientError as error:
        raise translated_client(error, bucket, key) from error
    except tuple(BOTO_EXCEPTIONS) as error:
        raise translated_boto(error, bucket, key) from error


def _or_none(bucket: str, key: str, call: Callable[[], T]) -> T | None:
    """Runs an unconditional call on one object: None for a missing key."""
    with _errors(bucket, key):
        try:
            return call()
        except ClientError as error:
            if _code(error) not in _MISSING:
                raise
    return None
