"""How jobs are carried out: the options and settings that change nothing about what is transcribed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from pipeline.delivery.hosts import is_private
from pipeline.errors import ConfigurationError
from pipeline.models import Handling
from pipeline.settings import Settings


def handling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--delivery, --wait, --delete-payloads and --no-store-io; each has a setting of the same name."""
    for option in (
        click.option(
            "--no-store-io",
            is_flag=True,
            help="fal keeps no input and output for its history; a submission whose reply is lost stays uncertain.",
        ),
        click.option(
            "--delete-payloads",
            is_flag=True,
            help="Delete fal's copies of input and output once the sidecar is safe; needs an admin key.",
        ),
        click.option(
            "--wait",
            type=click.Choice(["poll", "webhook"]),
            help="How workers learn that fal is done; webhook needs nightscribe webhook running.",
        ),
        click.option(
            "--delivery",
            type=click.Choice(["presigned", "upload", "public"]),
            help="How fal gets at the audio: a presigned URL, an upload to fal's storage, or a public address.",
        ),
    ):
        command = option(command)
    return command


def handling_of(settings: Settings, options: Mapping[str, Any]) -> Handling:
    """What the options ask for, the settings where they are silent.

    Raises `ConfigurationError` (`no_webhook_url`, `webhook_url_unreachable`) when fal is to call and cannot.
    """
    handling = Handling(
        delivery=options.get("delivery") or settings.audio.delivery,
        wait=options.get("wait") or settings.fal.wait,
        store_io=settings.fal.store_io and not options.get("no_store_io"),
        delete_payloads=settings.fal.delete_payloads or bool(options.get("delete_payloads")),
        submit_before=options.get("submit_before"),
    )
    if handling.wait == "webhook":
        _check_webhook_url(settings)
    return handling


def _check_webhook_url(settings: Settings) -> None:
    url = settings.fal.webhook_url
    if not url:
        raise ConfigurationError(
            "--wait webhook needs an address that fal can call, and fal.webhook_url is empty. Run nightscribe webhook "
            "behind a proxy with a certificate, and set, here and for the workers, for instance "
            "NIGHTSCRIBE_FAL_WEBHOOK_URL=https://hooks.example.org/nightscribe; or use --wait poll.",
            "no_webhook_url",
        )
    if is_private(settings.fal.queue_url):
        return  # an emulator beside us calls whatever it can reach
    if not url.startswith("https:") or is_private(url):
        raise ConfigurationError(
            f"fal does not call {url}: it must be https, and an address that is reachable from the Internet. Change "
            "fal.webhook_url, or use --wait poll.",
            "webhook_url_unreachable",
        )
