"""Puts a report into S3, over what an earlier try of the same run has left there and over nothing else (I8)."""

from __future__ import annotations

from pipeline import keys
from pipeline.errors import ForeignObjectError
from pipeline.models import Manifest
from pipeline.report.page import GENERATOR
from pipeline.storage.base import PreconditionFailedError, Storage

_CONTENT_TYPE = "text/html; charset=utf-8"


def write(storage: Storage, manifest: Manifest, text: str) -> str:
    """Writes the report of a run beside its manifest, and returns where: `s3://bucket/key`.

    Raises `ForeignObjectError` when something else stands there, or somebody writes there in the same moment; and what
    `Storage` raises.
    """
    bucket = manifest.output.bucket
    key = keys.report_key(manifest.output, manifest.archive, manifest.run_id)
    body = text.encode()
    try:
        storage.write(bucket, key, body, content_type=_CONTENT_TYPE)
    except PreconditionFailedError:
        _write_again(storage, bucket, key, body)
    return f"s3://{bucket}/{key}"


def is_ours(body: bytes) -> bool:
    """Whether a file is a report."""
    return GENERATOR.encode() in body[:4096]


def _write_again(storage: Storage, bucket: str, key: str, body: bytes) -> None:
    stored = storage.read(bucket, key)
    if stored is not None and stored.body == body:
        return
    if stored is None or is_ours(stored.body):
        try:
            storage.write(bucket, key, body, content_type=_CONTENT_TYPE, if_match=stored.etag if stored else None)
        except PreconditionFailedError:
            pass
        else:
            return
    raise ForeignObjectError(
        f"s3://{bucket}/{key} is no report of Nightscribe, or was written by somebody else in this moment. It is left "
        "alone. Move it away and run: nightscribe report",
        "foreign_report",
    )
