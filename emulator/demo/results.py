"""Reads what a run left in S3, as anybody could: sidecars, `latest.json`, the manifest and its parts."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATEST_KEY = "_nightscribe/latest.json"


@dataclass(frozen=True)
class Row:
    """One object in the manifest, as far as the demo shows and judges it."""

    key: str
    state: str
    reason: str | None = None
    message: str | None = None
    duration_s: float | None = None
    words: int | None = None
    processing_s: float | None = None
    cost_usd: float | None = None
    speech: bool | None = None


@dataclass(frozen=True)
class Archive:
    """The bucket after a run: the manifest's key and document, its rows, and the sidecars by the key of their audio."""

    manifest_key: str
    manifest: dict[str, Any]
    rows: tuple[Row, ...]
    sidecars: dict[str, dict[str, Any]]

    @property
    def texts(self) -> dict[str, str]:
        """The transcripts by the key of their audio."""
        return {key: sidecar["text"] for key, sidecar in self.sidecars.items()}


class NothingWrittenError(Exception):
    """The run left no manifest behind."""


def read_archive(client: S3Client, bucket: str, keys: list[str]) -> Archive:
    """Reads the newest manifest and the sidecars of `keys`. Raises `NothingWrittenError` when there is no manifest."""
    latest = _read_json(client, bucket, LATEST_KEY)
    if latest is None:
        raise NothingWrittenError(f"There is no s3://{bucket}/{LATEST_KEY}: the run did not get to its manifest.")
    manifest_key: str = latest["manifest_key"]
    manifest = _read_json(client, bucket, manifest_key)
    if manifest is None:
        raise NothingWrittenError(f"{LATEST_KEY} names {manifest_key}, which does not exist.")
    folder = manifest_key.rpartition("/")[0]
    rows = tuple(row for part in manifest["parts"] for row in _read_rows(client, bucket, f"{folder}/{part['name']}"))
    found = {key: _read_json(client, bucket, f"{key}.transcript.json") for key in keys}
    sidecars = {key: sidecar for key, sidecar in found.items() if sidecar is not None}
    return Archive(manifest_key, manifest, rows, sidecars)


def count_fal_calls(fal_url: str) -> int:
    """Calls of every kind (submit, status, result, history) that the emulator has seen since its start."""
    with urllib.request.urlopen(f"{fal_url}/emulator/ledger?rows=0", timeout=10) as answer:  # noqa: S310  our own loopback URL
        return sum(json.load(answer)["calls"].values())


def _read_rows(client: S3Client, bucket: str, key: str) -> Iterator[Row]:
    packed = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    for line in gzip.decompress(packed).decode().splitlines():
        fields = json.loads(line)
        yield Row(**{name: fields.get(name) for name in Row.__dataclass_fields__})


def _read_json(client: S3Client, bucket: str, key: str) -> dict[str, Any] | None:
    try:
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    document: dict[str, Any] = json.loads(body)
    return document
