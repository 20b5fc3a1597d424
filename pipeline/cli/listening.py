"""`nightscribe show --html`: the page of a transcript, served until Ctrl-C."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable

import click

from pipeline.models import Place, Sidecar
from pipeline.player import Player, PlayerServer
from pipeline.storage.base import Storage


def serve_page(
    storage: Storage, recording: Place, load: Callable[[], Sidecar], *, port: int, opens_browser: bool
) -> None:
    """Serves the page and prints its address; returns when the user presses Ctrl-C.

    Raises `ConfigurationError` when there is no transcript, or the port cannot be had.
    """
    load()  # says what is wrong in the terminal, where somebody waits for an answer
    with PlayerServer(Player(storage, recording, load), port) as server:
        click.echo(f"The transcript is at {server.url}")
        click.echo("The address works on this machine, until Ctrl-C. Whoever knows it can read and hear.", err=True)
        if opens_browser and _has_display():
            # It may wait for a browser that runs in the terminal.
            threading.Thread(target=webbrowser.open, args=(server.entry_url,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)


def _has_display() -> bool:
    """Whether a browser would be seen; elsewhere `webbrowser` starts one in the terminal, over our words."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
