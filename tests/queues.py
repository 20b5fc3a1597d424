"""Queues of messages for tests: SQS as moto serves it, the three shapes of events, and an inbox in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote_plus

import boto3
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from pipeline.arrivals.base import Inbox, Message

REGION = "us-east-1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}


def record(key, name="ObjectCreated:Put", *, bucket="podcasts", sequencer="0055AED6DCD90281E5", **about):
    """One record of an S3 event notification."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": quote_plus(key, safe="/"), "size": 1024, "sequencer": sequencer, **about},
        },
    }


def notification(*records):
    """What S3 sends to a queue."""
    return json.dumps({"Records": list(records)})


def through_sns(body):
    """The same as SNS hands it on, without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": f"arn:aws:sns:{REGION}:123456789012:episodes",
            "Subject": "Amazon S3 Notification",
            "Message": body,
            "Timestamp": "2026-11-22T02:00:00.000Z",
        }
    )


def through_bridge(key, kind="Object Created", *, bucket="podcasts", sequencer="0055AED6DCD90281E5"):
    """What EventBridge hands on: the key as it is."""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": kind,
            "source": "aws.s3",
            "account": "123456789012",
            "time": "2026-11-22T02:00:00Z",
            "region": REGION,
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {
                    "key": key,
                    "size": 1024,
                    "etag": "b1946ac92492d2347c6235b4d2611184",
                    "sequencer": sequencer,
                },
                "reason": "PutObject",
            },
        }
    )


TEST_EVENT = json.dumps(
    {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-11-22T02:00:00.000Z",
        "Bucket": "podcasts",
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }
)


@dataclass
class MotoQueues:
    """SQS on a loopback port."""

    url: str

    @cached_property
    def _client(self):
        """A plain client of it. One for all: to make one takes a tenth of a second of the processor."""
        return boto3.session.Session().client(
            "sqs",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def close(self):
        """Closes its connections."""
        self._client.close()

    def make(self, name, **attributes):
        """A new queue; its URL."""
        return self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def send(self, queue_url, *bodies):
        """Puts these messages into the queue."""
        for body in bodies:
            self._client.send_message(QueueUrl=queue_url, MessageBody=body)

    def let_come_back(self, name):
        """Ends the time for which somebody holds messages: what SQS does by itself, minutes later."""
        for message in sqs_backends["123456789012"][REGION].queues[name]._messages:
            message.visible_at = 0

    def left(self, queue_url):
        """How many messages wait, and how many are held by somebody."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return tuple(int(told[name]) for name in names)


@contextmanager
def moto_queues() -> Iterator[MotoQueues]:
    """A moto server in this process."""
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with closing(MotoQueues(f"http://{host}:{port}")) as queues:
            yield queues
    finally:
        server.stop()


@dataclass
class MemoryInbox(Inbox):
    """Hands out what lies in `rounds`, a list per question, or raises it; calls `at_end` when none is left."""

    rounds: list
    at_end: object = None
    waits: list[int] = field(default_factory=list)
    held: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    fail_deletions: list[Exception] = field(default_factory=list)
    lost: int = 0

    def receive(self, wait_s):
        self.waits.append(wait_s)
        if not self.rounds:
            if self.at_end:
                self.at_end()
            return []
        told = self.rounds.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    def hold(self, receipts, for_s):
        self.held.append((tuple(receipts), for_s))
        return self.lost

    def delete(self, receipts):
        if self.fail_deletions:
            raise self.fail_deletions.pop(0)
        self.deleted += receipts

    def close(self):
        pass


def message(body, number=1, receipt=None):
    """A delivery; with another receipt, of the same message."""
    return Message(f"id-{number}", receipt or f"receipt-{number}", body)
