"""`nightscribe limit`: how many requests may be in flight at fal, changed for all workers while they run."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from pipeline.cli.options import json_option
from pipeline.cli.session import Session
from pipeline.wiring.redis import make_client, make_permits

DEFAULT = "default"


class _Limit(click.ParamType[int | str]):
    """A number of requests, or the word `default`."""

    name = "N|default"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """See `click.ParamType.convert`."""
        if value == DEFAULT:
            return DEFAULT
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            self.fail(f"{value!r} is neither a number above zero nor the word {DEFAULT}.", param, ctx)
        return int(value)


@click.command()
@click.argument("limit", type=_Limit(), required=False, metavar="[N|default]")
@json_option
@click.pass_obj
def limit(session: Session, *, limit: int | str | None, as_json: bool) -> None:
    """Show, or set at once for all workers of the account, how many requests may be in flight at fal.

    N holds until it is set again, also for workers that start later; default returns to what their settings say
    (limits.concurrency times limits.overcommit). Requests that are in flight beyond a lower limit go on.

    \b
    Examples:
      nightscribe limit
      nightscribe limit 40
      nightscribe limit default
    """
    with closing(make_client(session.settings)) as client:
        permits = make_permits(session.settings, client)
        if limit is not None:
            permits.set_ceiling(None if isinstance(limit, str) else limit)
        use = permits.use()
    if as_json:
        click.echo(json.dumps({"account": session.settings.limits.account, **asdict(use)}))
        return
    lowered = "" if use.limit >= use.ceiling else f"; {use.limit} for now, for fal asked to slow down"
    click.echo(f"account {session.settings.limits.account}: {use.held} in flight, at most {use.ceiling}{lowered}")
