"""S3's operations over generated buckets, as AWS answers them, each one counted. Checks no signatures.

Standard library only, for the S3 server's process. What is not needed here is refused with 501 rather than guessed.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from html import escape
from http import HTTPStatus
from xml.etree import ElementTree as ET

from bench.archive import SIDECAR_SUFFIX, Archive
from bench.bucket import Bucket, ConditionError, NoSuchKeyError, Object, encoded
from bench.http_server import Request, Response

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MAX_KEYS = 1000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_XML = {"content-type": "application/xml"}
# What presigned URLs carry; anything else in a query asks for something other than the object itself.
_OF_PLAIN_REQUESTS = ("X-Amz-", "response-")
_KEPT_HEADERS = ("content-type", "cache-control", "content-disposition")


class RefusedError(Exception):
    """An answer in S3's error form."""

    def __init__(self, status: HTTPStatus, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


class S3:
    """The buckets, and how often each operation was asked for."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.operations: Counter[str] = Counter()
        """By operation: list, head, get, put, delete, delete_many, other."""
        self.areas: Counter[str] = Counter()
        """The requests for one object each, by what it is: audio, sidecar, intent or state."""

    def answer(self, request: Request) -> Response:
        """Does what is asked for."""
        name, _, key = request.path.removeprefix("/").partition("/")
        operation, act = self._operation(request, key)
        self.operations[operation] += 1
        if key:
            self.areas[_area(key)] += 1
        if name not in self.buckets and operation != "create_bucket":
            missing = RefusedError(HTTPStatus.NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
            return _refusal(missing, request)
        try:
            return act(request, name, key)
        except RefusedError as refused:
            return _refusal(refused, request)
        except ConditionError:
            return _refusal(RefusedError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed"), request)
        except NoSuchKeyError:
            return _refusal(RefusedError(HTTPStatus.NOT_FOUND, "NoSuchKey"), request)

    def _operation(self, request: Request, key: str) -> tuple[str, Callable[[Request, str, str], Response]]:
        if key:
            of_objects = {
                "GET": ("get", self._get),
                "HEAD": ("head", self._head),
                "PUT": ("put", self._put),
                "DELETE": ("delete", self._delete),
            }
            is_plain = all(name == "x-id" or name.startswith(_OF_PLAIN_REQUESTS) for name in request.query)
            return of_objects.get(request.method if is_plain else "", ("other", _not_implemented))
        if request.method == "GET" and request.query.get("list-type") == "2":
            return "list", self._list
        if request.method == "POST" and "delete" in request.query:
            return "delete_many", self._delete_many
        if request.method == "PUT" and not request.query:
            return "create_bucket", self._create_bucket
        if request.method == "GET" and "location" in request.query:
            return "other", _location
        return "other", _empty if request.method == "HEAD" else _not_implemented

    def _create_bucket(self, _request: Request, name: str, _key: str) -> Response:
        self.buckets.setdefault(name, Bucket(Archive(name)))
        return Response(HTTPStatus.OK)

    def _list(self, request: Request, name: str, _key: str) -> Response:
        query = request.query
        if query.get("delimiter"):
            raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "No delimiters here")
        url_encoded = query.get("encoding-type") == "url"
        prefix, token = query.get("prefix", ""), query.get("continuation-token")
        after = query.get("start-after", "") if token is None else _key_of(token)
        max_keys = min(_MAX_KEYS, int(query.get("max-keys", _MAX_KEYS)))
        page = self.buckets[name].page(prefix, after, max_keys, url_encoded=url_encoded)
        body = [
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{_NAMESPACE}"><Name>{name}</Name>',
            f"<Prefix>{encoded(prefix, url_encoded=url_encoded)}</Prefix><KeyCount>{len(page.contents)}</KeyCount>",
            f"<MaxKeys>{max_keys}</MaxKeys><IsTruncated>{str(page.is_truncated).lower()}</IsTruncated>",
        ]
        if url_encoded:
            body.append("<EncodingType>url</EncodingType>")
        if "start-after" in query:
            body.append(f"<StartAfter>{encoded(query['start-after'], url_encoded=url_encoded)}</StartAfter>")
        if token is not None:
            body.append(f"<ContinuationToken>{escape(token)}</ContinuationToken>")
        if page.is_truncated:
            body.append(f"<NextContinuationToken>{_token(page.last_key)}</NextContinuationToken>")
        text = "".join([*body, *page.contents, "</ListBucketResult>"])
        return Response(HTTPStatus.OK, text.encode(), _XML)

    def _head(self, request: Request, name: str, key: str) -> Response:
        found = self._found(request, name, key)
        return Response(HTTPStatus.OK, b"", _headers(found), found.size_bytes)

    def _get(self, request: Request, name: str, key: str) -> Response:
        found = self._found(request, name, key)
        asked = _RANGE.match(request.headers.get("range", ""))
        if not asked:
            return Response(HTTPStatus.OK, found.read(0, found.size_bytes), _headers(found))
        start, stop = _span(asked.group(1), asked.group(2), found.size_bytes)
        part = {"content-range": f"bytes {start}-{stop - 1}/{found.size_bytes}"}
        return Response(HTTPStatus.PARTIAL_CONTENT, found.read(start, stop), _headers(found) | part)

    def _found(self, request: Request, name: str, key: str) -> Object:
        found = self.buckets[name].get(key)
        if found is None:
            raise NoSuchKeyError(key)
        if _bare(request.headers.get("if-match")) not in (None, "*", found.etag):
            raise ConditionError(key)
        return found

    def _put(self, request: Request, name: str, key: str) -> Response:
        if "x-amz-copy-source" in request.headers:
            return _not_implemented(request, name, key)
        kept = {
            name: value
            for name, value in request.headers.items()
            if name in _KEPT_HEADERS or name.startswith("x-amz-meta-")
        }
        written = self.buckets[name].put(
            key,
            request.body,
            kept,
            if_match=_bare(request.headers.get("if-match")),
            if_none_match=_bare(request.headers.get("if-none-match")),
        )
        return Response(HTTPStatus.OK, b"", {"etag": f'"{written.etag}"'})

    def _delete(self, _request: Request, name: str, key: str) -> Response:
        self.buckets[name].delete(key)
        return Response(HTTPStatus.NO_CONTENT)

    def _delete_many(self, request: Request, name: str, _key: str) -> Response:
        asked = ET.fromstring(request.body)  # noqa: S314  from our own clients, over loopback
        keys = [element.text or "" for element in asked.iter() if element.tag.endswith("Key")]
        for key in keys:
            self.buckets[name].delete(key)
        is_quiet = any(element.tag.endswith("Quiet") and element.text == "true" for element in asked)
        told = "" if is_quiet else "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return Response(HTTPStatus.OK, f'<DeleteResult xmlns="{_NAMESPACE}">{told}</DeleteResult>'.encode(), _XML)


def _location(_request: Request, _name: str, _key: str) -> Response:
    return Response(HTTPStatus.OK, f'<LocationConstraint xmlns="{_NAMESPACE}"/>'.encode(), _XML)


def _empty(_request: Request, _name: str, _key: str) -> Response:
    return Response(HTTPStatus.OK)


def _not_implemented(request: Request, _name: str, _key: str) -> Response:
    asked = f"{request.method} {request.path}?{'&'.join(request.query)}"
    raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"The bench's server has no {asked}")


def _refusal(refused: RefusedError, request: Request) -> Response:
    text = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
    return Response(refused.status, b"" if request.method == "HEAD" else text.encode(), _XML)


def _headers(found: Object) -> dict[str, str]:
    modified = format_datetime(datetime.fromisoformat(found.modified), usegmt=True)
    return {**found.headers, "etag": f'"{found.etag}"', "last-modified": modified, "accept-ranges": "bytes"}


def _span(first: str, last: str, size_bytes: int) -> tuple[int, int]:
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1 if last else size_bytes)
    if start >= stop:
        raise RefusedError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange")
    return start, stop


def _token(last_key: str) -> str:
    return base64.urlsafe_b64encode(last_key.encode()).decode()


def _key_of(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidArgument", "No token of this server") from None


def _bare(etag: str | None) -> str | None:
    return None if etag is None else etag.strip('"')


def _area(key: str) -> str:
    if "_nightscribe/intents/" in key:
        return "intent"
    if "_nightscribe/" in key:
        return "state"
    return "sidecar" if key.endswith(SIDECAR_SUFFIX) else "audio"
