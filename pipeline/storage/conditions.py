"""Finds out whether a store keeps the conditions of writes, which all safety here rests on (I1, I3, I8).

Some stores answer 200 to a write that they had to refuse. Two workers could then both take a job, and both pay.
"""

from __future__ import annotations

from pipeline.errors import ConfigurationError
from pipeline.storage.base import PreconditionFailedError, Storage

_TYPE = "text/plain"
_NO_SUCH_ETAG = "0" * 32


def check_conditional_writes(
    storage: Storage, bucket: str, key: str, *, exclusivity_by_redis_alone: bool
) -> str | None:
    """Tries the conditions on `key`, which must be fresh and ours, and deletes it again: five requests.

    Returns None when the store keeps them. Raises `ConfigurationError` (`conditional_writes_ignored`) when it does
    not; with `exclusivity_by_redis_alone` it returns that as a warning instead, which a person must see.
    """
    ignored = _ignored_headers(storage, bucket, key)
    if not ignored:
        return None
    fault = (
        f"The S3 server at {storage.server} ignores {ignored} on writes (tried on s3://{bucket}/{key}). Two workers "
        "could both submit, and both pay for, the same episode, and a file of yours could be overwritten."
    )
    if exclusivity_by_redis_alone:
        return (
            f"WARNING: {fault} The setting s3.exclusivity_by_redis_alone says to go on: that each episode is paid once "
            "rests on Redis alone, and not on S3, until Redis loses its data."
        )
    raise ConfigurationError(
        f"{fault} Nothing was begun. Use a store that keeps them (AWS S3 does), or, knowing this, set "
        "NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE=true.",
        "conditional_writes_ignored",
    )


def _ignored_headers(storage: Storage, bucket: str, key: str) -> str:
    """What is ignored, in words; empty when all is well."""
    try:
        etag = storage.write(bucket, key, b"first", content_type=_TYPE)
        try:
            ignored = [
                name
                for name, if_match in (("If-None-Match", None), ("If-Match", _NO_SUCH_ETAG))
                if not _is_refused(storage, bucket, key, if_match)
            ]
            if not ignored:
                storage.write(bucket, key, b"last", content_type=_TYPE, if_match=etag)
        finally:
            storage.delete(bucket, key)
    except PreconditionFailedError:
        raise ConfigurationError(
            f"The S3 server at {storage.server} refuses conditional writes whose condition holds (tried on "
            f"s3://{bucket}/{key}), so that no result could be written. Nothing was begun. Use another store.",
            "conditional_writes_refused",
        ) from None
    return " and ".join(ignored)


def _is_refused(storage: Storage, bucket: str, key: str, if_match: str | None) -> bool:
    try:
        storage.write(bucket, key, f"not {if_match}".encode(), content_type=_TYPE, if_match=if_match)
    except PreconditionFailedError:
        return True
    return False
