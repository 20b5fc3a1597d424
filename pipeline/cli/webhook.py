"""`nightscribe webhook`: the receiver of fal's webhooks."""

from __future__ import annotations

import importlib.util

import click

from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError

_NEEDED = ("starlette", "uvicorn", "cryptography")


@click.command()
@click.option("--host", help="The address to listen on; the setting webhook.host when not given.")
@click.option("--port", type=click.IntRange(1, 65_535), help="The port; the setting webhook.port when not given.")
@click.pass_obj
def webhook(session: Session, /, *, host: str | None, port: int | None) -> None:
    """Receive fal's webhooks until stopped (pip install 'nightscribe[webhook]').

    fal calls it when a request ends, and workers look at that request at once instead of every few seconds. It
    verifies fal's signature, needs Redis, and neither FAL_KEY nor S3. When it is away, workers notice the ends by
    their polls, later.

    It speaks plain HTTP: put a proxy with a certificate in front, set fal.webhook_url to the address under which fal
    reaches it, and start runs with --wait webhook. GET /healthz answers 200 while a webhook could be noted.

    \b
    Examples:
      nightscribe webhook
      nightscribe webhook --host 0.0.0.0 --port 8080
      NIGHTSCRIBE_FAL_WEBHOOK_URL=https://hooks.example.org nightscribe backfill s3://my-podcasts/ --wait webhook
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The receiver needs {', '.join(missing)}. Install it: pip install 'nightscribe[webhook]'.",
            "not_installed",
        )
    # Only here: everything else of the command line works without these packages.
    from pipeline.wiring.webhook import serve_webhooks  # noqa: PLC0415

    settings = session.settings
    serve_webhooks(settings, host or settings.webhook.host, port or settings.webhook.port)
