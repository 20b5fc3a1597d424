"""What the receiver of webhooks works with."""

from __future__ import annotations

from contextlib import closing

from pipeline.redis_server import asking
from pipeline.settings import Settings
from pipeline.speech.fal.jwks import fetch_keys
from pipeline.webhooks.app import Receiver
from pipeline.webhooks.keyring import KeyRing
from pipeline.webhooks.serving import listen, serve
from pipeline.wiring.redis import make_client, make_notice_board


def serve_webhooks(settings: Settings, host: str, port: int) -> None:
    """Receives webhooks until the process is told to stop. Raises `ConfigurationError` when it cannot listen there."""

    def fetch() -> list[bytes]:
        fal = settings.fal
        return fetch_keys(fal.jwks_url, connect_timeout_s=fal.connect_timeout_s, timeout_s=fal.connect_timeout_s)

    with closing(make_client(settings)) as client:

        def alive() -> None:
            with asking(client):
                client.ping()

        board = make_notice_board(settings, client)
        receiver = Receiver(board, KeyRing(fetch), alive, max_body_bytes=settings.webhook.max_body_bytes)
        serve(receiver.app(), listen(host, port))
