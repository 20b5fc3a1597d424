"""`nightscribe models`: what each known model can do, what it costs, and where it falls short."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.cli.options import json_option
from pipeline.cli.price_shown import ShownPrice, listing_shown, price_shown
from pipeline.cli.session import Session
from pipeline.models import Abilities, Recipe
from pipeline.printable import printable
from pipeline.wiring.prices import open_price_book
from pipeline.wiring.recipes import KNOWN_ABILITIES
from pipeline.wiring.speech import refresh_prices

_HEADS = ("model", "languages", "auto", "translate", "times", "words", "speakers", "hints", "per hour of audio")
_FEW_LANGUAGES = 3


@click.command()
@click.argument("endpoint_id", required=False, metavar="[ID]")
@click.option(
    "--refresh-prices",
    "refresh",
    is_flag=True,
    help="First ask fal for its prices, free of charge, and keep them with today's date: plans and ceilings then count "
    "with them. Needs FAL_KEY.",
)
@json_option
@click.pass_obj
def models(session: Session, *, endpoint_id: str | None, refresh: bool, as_json: bool) -> None:
    """List the speech models of fal that are known here; with an ID, everything about one.

    Any other model works too: --model takes every endpoint id, and --arg its arguments.

    \b
    Examples:
      nightscribe models
      nightscribe models fal-ai/wizper
      nightscribe models --refresh-prices
      nightscribe models --json | jq 'map_values(.price)'
    """
    if refresh:
        _refresh(session, [endpoint_id] if endpoint_id else list(KNOWN_ABILITIES))
        if endpoint_id is not None and endpoint_id not in KNOWN_ABILITIES:
            return
    known = KNOWN_ABILITIES if endpoint_id is None else {endpoint_id: _one(endpoint_id)}
    prices = {name: _price(session, name, abilities) for name, abilities in known.items()}
    if as_json:
        click.echo(json.dumps({name: _as_json(known[name], prices[name]) for name in known}, indent=1))
    elif endpoint_id is not None:
        _print_facts(dict(_facts(endpoint_id, known[endpoint_id], prices[endpoint_id])))
    else:
        _print_table([_row(name, known[name], prices[name]) for name in known])
        for name, abilities in known.items():
            _print_limits(name, abilities)


def _refresh(session: Session, endpoint_ids: list[str]) -> None:
    told = refresh_prices(endpoint_ids, session.settings, session.environment)
    path = open_price_book(session.settings, session.environment).path
    for name in endpoint_ids:
        price = session.price(Recipe(endpoint_id=name, arguments={}))
        click.echo(printable(f"{name}: {listing_shown(told.get(name), price)}"), err=True)
    click.echo(f"fal has told {len(told)} prices; they are kept in {path}.", err=True)


def _one(endpoint_id: str) -> Abilities:
    abilities = KNOWN_ABILITIES.get(endpoint_id)
    if abilities is None:
        near = get_close_matches(endpoint_id, KNOWN_ABILITIES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(KNOWN_ABILITIES)}."
        raise click.BadParameter(
            f"nothing is known of {endpoint_id!r} here. {hint} It may be used all the same, with --arg.",
            param_hint="ID",
        )
    return abilities


def _price(session: Session, endpoint_id: str, abilities: Abilities) -> ShownPrice:
    return price_shown(session.price(Recipe(endpoint_id=endpoint_id, arguments={})), abilities)


def _row(endpoint_id: str, abilities: Abilities, price: ShownPrice) -> tuple[str, ...]:
    return (
        endpoint_id,
        _languages(abilities),
        _yes(abilities.detects_language),
        _yes(abilities.translates),
        _yes(abilities.timestamps),
        _yes(abilities.words),
        "counted" if abilities.speaker_count else _yes(abilities.speakers),
        _hints(abilities),
        str(price),
    )


def _languages(abilities: Abilities) -> str:
    if not abilities.languages:
        return "not listed"
    codes = abilities.languages
    return ", ".join(codes) if len(codes) <= _FEW_LANGUAGES else str(len(codes))


def _hints(abilities: Abilities) -> str:
    return ", ".join(name for name in ("prompt", "keyterms") if getattr(abilities, name)) or "-"


def _yes(is_able: bool) -> str:  # noqa: FBT001  a cell of the table
    return "yes" if is_able else "-"


def _limits(abilities: Abilities) -> Iterator[str]:
    if abilities.languages_note:
        yield f"Languages: {abilities.languages_note}."
    if abilities.formats:
        yield f"Takes {', '.join(abilities.formats)}."
    if abilities.longest:
        yield f"Length: {abilities.longest}."
    if abilities.price_note:
        yield f"Price: {abilities.price_note}."
    if abilities.is_known_in_part:
        yield "Its schema is known in part: --arg passes on what is not known."
    yield from abilities.notes


def _facts(endpoint_id: str, abilities: Abilities, price: ShownPrice) -> Iterator[tuple[str, str]]:
    yield from zip(_HEADS, _row(endpoint_id, abilities, price), strict=True)
    if abilities.languages:
        yield "languages", " ".join(abilities.languages)
    yield from ((f"note {number}", note) for number, note in enumerate(_limits(abilities), 1))


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    console = Console(highlight=False)
    if not sys.stdout.isatty() or console.width < sum(widths) + 2 * len(widths):
        # In too narrow a terminal whole lines that break are easier to read than cells that do.
        for row in (_HEADS, *rows):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in _HEADS:
        table.add_column(head)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_limits(endpoint_id: str, abilities: Abilities) -> None:
    click.echo(f"\n{endpoint_id}")
    for limit in _limits(abilities):
        click.echo(f"  {limit}")


def _print_facts(facts: Mapping[str, str]) -> None:
    width = max(map(len, facts))
    for name, fact in facts.items():
        click.echo(f"{name:<{width}}  {fact}")


def _as_json(abilities: Abilities, price: ShownPrice) -> dict[str, Any]:
    shown = {"usd_per_audio_hour": price.usd_per_hour, "source": price.source}
    return {**abilities.model_dump(mode="json", exclude={"listed_usd_per_hour"}), "price": shown}
