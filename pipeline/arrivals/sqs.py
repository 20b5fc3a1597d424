"""SQS over boto3, the only file here that imports it; credentials and region come from AWS's own variables and chain.

The URL of a queue says where it is, so that AWS_ENDPOINT_URL, which may name another maker's S3, does not count here;
AWS_ENDPOINT_URL_SQS does, for a VPC endpoint or a test.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as boto
from botocore.config import Config
from botocore.parsers import ResponseParserError

from pipeline.arrivals.base import Inbox, Message
from pipeline.errors import ConfigurationError, NightscribeError, ServiceUnavailableError
from pipeline.redaction import redact

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

LONGEST_WAIT_S = 20
_AT_ONCE = 10  # SQS's own bound of one request
# Longer than the longest poll, or each of them would end as a failure.
_READ_TIMEOUT_S = LONGEST_WAIT_S + 10
_CONNECT_TIMEOUT_S = 5
_ATTEMPTS = 3  # botocore's own, as for S3; beyond them the listener waits and says so
_REGION = re.compile(r"(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?")
_ANY_REGION = "us-east-1"  # a queue that is not AWS's has none, and a signature needs one
_SERVER_ERRORS = 500
_AWAY_CODES = {
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "KmsThrottled",
    "OverLimit",  # 120,000 messages are held already
    "AWS.SimpleQueueService.OverLimit",
}
_AWAY = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.ChecksumError,
    boto.MetadataRetrievalError,  # the instance's own service did not answer
    ResponseParserError,
)


class SqsInbox(Inbox):
    """One standard or FIFO queue. Raises `ConfigurationError` for a URL that is none."""

    def __init__(self, queue_url: str, *, visibility_s: int) -> None:
        self._url = queue_url
        self._visibility_s = visibility_s
        parts = _parts_of(queue_url)
        found = _REGION.fullmatch(parts.hostname or "")
        own_endpoint = os.environ.get("AWS_ENDPOINT_URL_SQS")
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        with self._errors():
            session = boto3.session.Session()
            region = (found[1] or found[2]) if found else os.environ.get("AWS_REGION") or session.region_name
            self._client: SQSClient = session.client(
                "sqs",
                config=config,
                region_name=region or _ANY_REGION,
                endpoint_url=own_endpoint or f"{parts.scheme}://{parts.netloc}",
            )

    def receive(self, wait_s: int) -> list[Message]:
        """See `Inbox.receive`."""
        with self._errors():
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=max(0, min(LONGEST_WAIT_S, wait_s)),
                VisibilityTimeout=self._visibility_s,
            )
        return [
            Message(told["MessageId"], told["ReceiptHandle"], told.get("Body", ""))
            for told in answer.get("Messages", ())
        ]

    def hold(self, receipts: Collection[str], for_s: int) -> int:
        """See `Inbox.hold`."""
        failed = 0
        for batch in _tens(receipts):
            with self._errors():
                answer = self._client.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": for_s}
                        for number, receipt in enumerate(batch)
                    ],
                )
            failed += len(answer.get("Failed", ()))
        return failed

    def delete(self, receipts: Collection[str]) -> None:
        """See `Inbox.delete`."""
        for batch in _tens(receipts):
            with self._errors():
                answer = self._client.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)],
                )
            # A receipt that is refused has been replaced by a newer one: that delivery is somebody's, and harmless.
            if any(not entry.get("SenderFault") for entry in answer.get("Failed", ())):
                raise ServiceUnavailableError(
                    f"SQS did not delete messages of {self._name}. They are deleted again later.", "queue_unavailable"
                )

    def close(self) -> None:
        """See `Inbox.close`."""
        self._client.close()

    @property
    def _name(self) -> str:
        return redact(self._url)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns botocore's exceptions into ours at the one boundary."""
        try:
            yield
        except boto.ClientError as error:
            raise _answered(error, self._name) from error
        except _AWAY as error:
            raise ServiceUnavailableError(
                f"The queue {self._name} did not answer: {_said(error)}. Check the network and AWS_ENDPOINT_URL_SQS.",
                "queue_unavailable",
            ) from error
        except (boto.BotoCoreError, ValueError) as error:
            raise ConfigurationError(
                f"SQS is not configured for {self._name}: {_said(error)}. Set AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, AWS_REGION and, for a queue elsewhere than its URL says, AWS_ENDPOINT_URL_SQS.",
                "queue_configuration",
            ) from error


def _parts_of(queue_url: str) -> Any:
    try:
        parts = urlsplit(queue_url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(parts.path) > 1
    except ValueError:
        is_url = False
    if not is_url or "@" in parts.netloc:
        raise ConfigurationError(
            f"{redact(queue_url)!r} is no URL of a queue. Write it as SQS shows it: "
            "https://sqs.eu-central-1.amazonaws.com/123456789012/new-episodes",
            "queue_configuration",
        )
    return parts


def _answered(error: boto.ClientError, queue: str) -> NightscribeError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{code} {error.response.get('Error', {}).get('Message', '')}".strip()
    said = redact(said)[:200].rstrip(".")
    if code in _AWAY_CODES or status >= _SERVER_ERRORS:
        return ServiceUnavailableError(
            f"SQS did not do {error.operation_name} on {queue}: {said}. It is tried again.", "queue_unavailable"
        )
    return ConfigurationError(
        f"SQS refused {error.operation_name} on {queue}: {said}. Check the URL and AWS_REGION; the credentials need "
        "sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility.",
        "queue_refused",
    )


def _said(error: Exception) -> str:
    return redact(str(error))[:300].rstrip(".")


def _tens(receipts: Collection[str]) -> Iterator[list[str]]:
    listed = list(receipts)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]
