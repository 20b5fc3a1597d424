"""`nightscribe config show`: the settings in force, and where each came from."""

from __future__ import annotations

import json

import click

from pipeline.cli.options import json_option
from pipeline.cli.session import Session
from pipeline.settings import shown


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("show")
@json_option
@click.pass_obj
def show_config(session: Session, *, as_json: bool) -> None:
    """Print every setting with its value and its origin; secrets are masked.

    \b
    Examples:
      nightscribe config show
      NIGHTSCRIBE_PROFILE=production nightscribe config show
      nightscribe config show --json
    """
    rows = shown(session.loaded)
    rows.append(("FAL_KEY", "**********" if session.has_key else "not set", "environment"))
    if as_json:
        click.echo(json.dumps({name: {"value": value, "origin": origin} for name, value, origin in rows}, indent=1))
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, origin in rows:
        click.echo(f"{name:<{width}}  {json.dumps(value, ensure_ascii=False)}  ({origin})")
