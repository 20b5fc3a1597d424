"""Who hears of the end of a run."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.models import Ending
from pipeline.notify.base import Notifier, Notifiers
from pipeline.notify.command import CommandNotifier
from pipeline.notify.webhook import WebhookNotifier
from pipeline.settings import Settings


def open_notifier(settings: Settings, endings: Collection[Ending] | None = None) -> Notifier:
    """Tells all that the settings name, of these `endings` (those of notify.on when None). With nobody set, nothing."""
    notify = settings.notify
    notifiers: list[Notifier] = []
    if notify.command.strip():
        notifiers.append(CommandNotifier(notify.command, timeout_s=notify.timeout_s))
    if url := notify.webhook_url.get_secret_value():
        notifiers.append(WebhookNotifier(url, timeout_s=notify.timeout_s))
    return Notifiers(notifiers, notify.on if endings is None else endings)
