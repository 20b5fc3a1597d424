"""A transcript in memory and its server, on a real port of this machine."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import builders
import pytest
from finished import BUCKET, FinishedArchive

from pipeline.models import Place, Sidecar
from pipeline.player import Player, PlayerServer

KEY = "shows/épisode 1.mp3"
AUDIO = bytes(range(256)) * 10


class Shown:
    """A page that is served. `ask` sends a request as any program on this machine could."""

    def __init__(self, key=KEY, body=AUDIO, **facts):
        self.archive = FinishedArchive()
        self.archive.transcribed(key, **facts)
        self.archive.storage.put(BUCKET, key, body)
        self.sidecar = Sidecar.model_validate_json(self.archive.body(f"{key}.transcript.json"))
        self.etag = self.archive.storage.head(BUCKET, key).etag
        self.sidecar = self.sidecar.model_copy(update={"object": builders.audio(key, bucket=BUCKET, etag=self.etag)})
        self.key = key
        self.server = PlayerServer(Player(self.archive.storage, Place(bucket=BUCKET, prefix=key), self.load))

    def load(self):
        return self.sidecar

    @property
    def path(self):
        return urlsplit(self.server.url).path

    def ask(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


@contextmanager
def serving(shown):
    thread = threading.Thread(target=shown.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shown
    finally:
        shown.server.shutdown()
        shown.server.server_close()
        thread.join()


@pytest.fixture
def shown():
    with serving(Shown()) as running:
        yield running
