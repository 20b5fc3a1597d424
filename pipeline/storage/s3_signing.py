"""Presigned URLs that open from anywhere: for the bucket's own region and host, one version, and a payer who is named.

What must be known of a bucket for that is asked once, before its first URL.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError

from pipeline import logs
from pipeline.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
# HTTP clients take these names for the way to another folder. The signature is made of the decoded path.
_DOTS = re.compile(r"(?<=/)\.{1,2}(?=[/?])")
# AWS's own endpoints, with which a bucket may be in another region than the client.
_AWS = re.compile(r"s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?")
# A name with dots is no single label, and AWS's certificate does not cover it as part of the host.
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION_HEADER = "x-amz-bucket-region"
_PAYER_HEADER = "x-amz-request-payer"
_NOT_ALLOWED = {"403", "AccessDenied"}


class S3Signer:
    """Signs with `client`, or with one of a bucket's own region, which `make` makes. Thread-safe."""

    def __init__(self, client: S3Client, make: Callable[..., S3Client], settings: S3Settings) -> None:
        self._client = client
        self._make = make
        self._pays = settings.request_payer
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._regions: dict[str, str] = {}
        self._clients: dict[tuple[str, str], S3Client] = {}
        self._may_pin: dict[str, bool] = {}

    def url(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`. Raises what botocore raises."""
        # Signatures made within one second are equal. This has no effect but to make each URL one of its kind.
        unique = f"private, nightscribe={secrets.token_hex(8)}"
        parameters = {"Bucket": bucket, "Key": key, "ResponseCacheControl": unique}
        if version_id and self._may_read_versions(bucket, key, version_id):
            parameters["VersionId"] = version_id
        client = self._client_for(bucket)
        url = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s)
        return _DOTS.sub(lambda found: found[0].replace(".", "%2E"), url)

    def close(self) -> None:
        """Closes the clients that were made here."""
        for client in self._clients.values():
            client.close()

    def _may_read_versions(self, bucket: str, key: str, version_id: str) -> bool:
        """Whether s3:GetObjectVersion is granted: without it a URL that names its version would open nothing."""

        def ask() -> bool:
            try:
                self._client.head_object(Bucket=bucket, Key=key, VersionId=version_id)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _NOT_ALLOWED:
                    raise
                logs.get_logger().warning("versions_not_readable", bucket=bucket, missing="s3:GetObjectVersion")
                return False
            return True

        return self._once(self._may_pin, bucket, ask)

    def _client_for(self, bucket: str) -> S3Client:
        if not _AWS.fullmatch(urlsplit(self._client.meta.endpoint_url).hostname or ""):
            return self._client  # another store: it has one endpoint, and a name of its own for its region
        region = self._region_of(bucket)
        # By itself botocore signs for a host without a region, which new buckets and some regions do not answer to.
        style: Literal["virtual", "path"] = "virtual" if _HOST_LABEL.fullmatch(bucket) else "path"
        with self._lock:
            found = self._clients.get((region, style))
            if found is None:
                config = Config(signature_version="s3v4", s3={"addressing_style": style})
                found = self._clients[region, style] = self._make(region_name=region, config=config)
                if self._pays:
                    let_requester_pay(found.meta.events)
        return found

    def _region_of(self, bucket: str) -> str:
        """HeadBucket tells the region also to whom it refuses all else."""

        def ask() -> str:
            answer: Any
            try:
                answer = self._client.head_bucket(Bucket=bucket)
            except ClientError as error:
                answer = error.response
                if _REGION_HEADER not in answer["ResponseMetadata"].get("HTTPHeaders", {}):
                    raise
            headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
            return headers.get(_REGION_HEADER) or self._client.meta.region_name

        return self._once(self._regions, bucket, ask)

    def _once(self, known: dict[str, T], bucket: str, ask: Callable[[], T]) -> T:
        """Many slots sign their first URLs at the same time: one of them asks."""
        if bucket not in known:
            with self._asking:
                if bucket not in known:
                    known[bucket] = ask()
        return known[bucket]


def let_requester_pay(events: Any) -> None:
    """Has every request of a client, and every URL that it signs, say that its sender pays, not the bucket's owner."""
    events.register("provide-client-params.s3", _as_parameter)
    events.register("before-sign.s3", _into_the_query)


def _as_parameter(params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:
    if "RequestPayer" in model.input_shape.members:
        params = {**params, "RequestPayer": "requester"}
    return params


def _into_the_query(request: Any, signature_version: str, **_: object) -> None:
    """Whoever opens a URL sends no headers of ours; S3 takes this one from the query as well."""
    if signature_version.endswith("-query") and _PAYER_HEADER in request.headers:
        request.params = {**request.params, _PAYER_HEADER: request.headers[_PAYER_HEADER]}
        del request.headers[_PAYER_HEADER]
