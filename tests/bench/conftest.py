"""The benchmarks' S3 server in its process, and clients of it."""

from __future__ import annotations

from contextlib import closing

import boto3
import pytest
from bench.stand import ArchiveServer
from botocore.config import Config
from s3_stores import s3_storage

from emulator.stack.redis import RedisServer


@pytest.fixture(scope="session")
def archive_server(tmp_path_factory):
    server = ArchiveServer(tmp_path_factory.mktemp("archive"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def client(archive_server):
    with closing(
        boto3.session.Session().client(
            "s3",
            endpoint_url=archive_server.url,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
            config=Config(retries={"total_max_attempts": 1}),
        )
    ) as client:
        yield client


@pytest.fixture(scope="module")
def storage(archive_server):
    """One for all tests of a file: making a client takes a third of a second."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from s3_storage(monkeypatch, archive_server.variables())


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()
