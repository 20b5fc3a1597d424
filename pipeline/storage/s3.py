"""S3 over boto3, for any S3-compatible endpoint (AWS_ENDPOINT_URL). The only file that imports boto3.

Credentials, region and endpoint come from AWS's own variables and chain. Every write is conditional (I8), and
botocore's retries are set on purpose here and nowhere else (I5).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import SourceGoneError
from pipeline.settings import S3Settings
from pipeline.storage.base import Head, Listed, PreconditionFailedError, Storage, Stored
from pipeline.storage.s3_faults import translated_boto, translated_client

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
_MISSING = {"404", "NoSuchKey", "NotFound"}
_LOST = {"412", "PreconditionFailed"}
_CONFLICT = {"409", "ConditionalRequestConflict"}
# AWS answers 409 when two conditional writes race and neither has won yet; the same write is then decided anew.
_CONFLICT_TRIES = 5


class S3Storage(Storage):
    """One client, shared by all threads of a process; made after fork."""

    def __init__(self, settings: S3Settings) -> None:
        # botocore logs presigned query strings at DEBUG; nothing of ours may pass them on (I9).
        logging.getLogger("botocore").setLevel(logging.WARNING)
        config = Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            max_pool_connections=settings.max_connections,
            retries={"mode": "standard", "total_max_attempts": settings.max_attempts},
            signature_version="s3v4",
        )
        with _errors("", ""):
            self._client: S3Client = boto3.session.Session().client("s3", config=config)

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """See `Storage.list`."""
        token: dict[str, Any] = {}
        while True:
            with _errors(bucket, prefix):
                # botocore asks for url encoding by itself, and decodes keys only when it did the asking.
                page = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
            for entry in page.get("Contents", ()):
                yield Listed(entry["Key"], _bare(entry["ETag"]), entry["Size"], entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def head(self, bucket: str, key: str) -> Head | None:
        """See `Storage.head`."""
        answer = _or_none(bucket, key, lambda: self._client.head_object(Bucket=bucket, Key=key))
        if answer is None:
            return None
        return Head(
            etag=_bare(answer["ETag"]),
            size_bytes=answer["ContentLength"],
            last_modified=answer["LastModified"],
            version_id=answer.get("VersionId"),
            metadata=answer.get("Metadata", {}),
        )

    def read(self, bucket: str, key: str) -> Stored | None:
        """See `Storage.read`."""

        def get() -> Stored:
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                return Stored(body.read(), _bare(answer["ETag"]))

        return _or_none(bucket, key, get)

    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> bytes:
        """See `Storage.read_range`."""

        def get() -> bytes:
            answer = self._client.get_object(
                Bucket=bucket, Key=key, Range=f"bytes={start}-{start + length - 1}", IfMatch=f'"{if_match}"'
            )
            with answer["Body"] as body:
                return body.read()

        try:
            body = _or_none(bucket, key, get)
        except PreconditionFailedError:
            body = None
        if body is None:
            raise SourceGoneError(
                f"s3://{bucket}/{key} was deleted or replaced after it was listed; the next run plans it again."
            )
        return body

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
            return _bare(answer["ETag"])

        etag = _or_none(bucket, key, put)
        if etag is None:  # If-Match on a key that is gone answers 404, as AWS does
            raise PreconditionFailedError(key)
        return etag

    def delete(self, bucket: str, key: str) -> None:
        """See `Storage.delete`."""
        with _errors(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key)

    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`."""
        parameters = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
        with _errors(bucket, key):
            return self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s)

    def close(self) -> None:
        """Closes the client's connections."""
        self._client.close()


def _bare(etag: str) -> str:
    return etag.strip('"')


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _errors(bucket: str, key: str) -> Iterator[None]:
    """Turns botocore's exceptions into ours at the one boundary."""
    try:
        yield
    except ClientError as error:
        raise translated_client(error, bucket, key) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint or a bucket name that cannot be one
        raise translated_boto(error, bucket, key) from error


def _or_none(bucket: str, key: str, call: Callable[[], T]) -> T | None:
    """Runs a call on one object: None for a missing key, `PreconditionFailedError` for a lost condition."""
    for attempt in range(1, _CONFLICT_TRIES + 1):
        with _errors(bucket, key):
            try:
                return call()
            except ClientError as error:
                code = _code(error)
                if code in _MISSING:
                    return None
                if code in _LOST:
                    raise PreconditionFailedError(key) from error
                if code not in _CONFLICT or attempt == _CONFLICT_TRIES:
                    raise
    raise AssertionError("unreachable: the last attempt returns or raises")
