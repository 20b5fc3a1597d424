"""SQS as an inbox, on moto's server: what is received, held, given back and deleted; and what is said when it fails."""

from __future__ import annotations

import socket
import uuid
from contextlib import closing

import pytest
from queues import ENVIRONMENT, moto_queues

from pipeline.arrivals.sqs import SqsInbox
from pipeline.errors import ConfigurationError, ServiceUnavailableError


@pytest.fixture(scope="module")
def queues():
    with moto_queues() as running:
        yield running


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # Somebody's S3: it is not where the queue is.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)


@pytest.fixture
def queue_url(queues):
    return queues.make(f"q-{uuid.uuid4().hex}")


@pytest.fixture
def inbox(queue_url):
    with closing(SqsInbox(queue_url, visibility_s=300)) as opened:
        yield opened


def test_what_is_received_is_nobody_elses_until_it_is_deleted(queues, queue_url, inbox):
    queues.send(queue_url, "one", "two")
    received = {message.body: message for message in [*inbox.receive(0), *inbox.receive(0)]}

    assert set(received) == {"one", "two"}
    assert inbox.receive(0) == []
    inbox.delete([received["one"].receipt])
    assert inbox.hold([received["two"].receipt], 600) == 0
    assert queues.left(queue_url) == (0, 1)
    inbox.hold([received["two"].receipt], 0)
    assert [message.message_id for message in inbox.receive(0)] == [received["two"].message_id]


def test_more_than_ten_are_held_and_deleted_in_several_requests(queues, queue_url, inbox):
    queues.send(queue_url, *(f"number {number}" for number in range(25)))
    receipts = []
    while messages := inbox.receive(0):
        receipts += [message.receipt for message in messages]

    assert len(receipts) == 25
    assert inbox.hold(receipts, 600) == 0
    inbox.delete(receipts)
    assert queues.left(queue_url) == (0, 0)


def test_what_is_gone_is_counted_when_held_and_no_error_when_deleted(queues, queue_url, inbox):
    queues.send(queue_url, "one")
    (message,) = inbox.receive(0)
    inbox.delete([message.receipt])

    assert inbox.hold([message.receipt], 600) == 1
    inbox.delete([message.receipt])


def test_a_message_is_waited_for(queues, queue_url, inbox):
    queues.send(queue_url, "one")

    assert [message.body for message in inbox.receive(20)] == ["one"]


def test_the_endpoint_of_aws_variables_counts_where_it_is_for_queues(queues, queue_url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", queues.url)
    queues.send(queue_url, "one")
    elsewhere = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue_url.rpartition('/')[2]}"
    with closing(SqsInbox(elsewhere, visibility_s=30)) as opened:
        assert opened._client.meta.endpoint_url == queues.url
        assert opened._client.meta.region_name == "eu-central-1"


def test_a_queue_that_is_not_there_is_named(queues):
    said = pytest.raises(ConfigurationError, match=r"refused ReceiveMessage on .*nowhere.*AWS_REGION")
    with closing(SqsInbox(f"{queues.url}/123456789012/nowhere", visibility_s=30)) as opened, said as refusal:
        opened.receive(0)
    assert refusal.value.reason == "queue_refused"


def test_a_queue_that_does_not_answer_is_away():
    with socket.socket() as taken:  # bound, so that nobody else listens there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/123456789012/q"
        with closing(SqsInbox(url, visibility_s=30)) as opened, pytest.raises(ServiceUnavailableError) as away:
            opened.receive(0)
    assert away.value.reason == "queue_unavailable"


@pytest.mark.parametrize(
    "url", ["", "episodes", "s3://b/k", "https://", "https://host/", "https://[", "http://u:pw@host/1/q"]
)
def test_what_is_no_url_of_a_queue_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match="no URL of a queue") as refusal:
        SqsInbox(url, visibility_s=30)
    assert "pw" not in refusal.value.message


def test_missing_credentials_are_named(queue_url, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    said = pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID")
    with closing(SqsInbox(queue_url, visibility_s=30)) as opened, said as refusal:
        opened.receive(0)
    assert refusal.value.reason == "queue_configuration"
