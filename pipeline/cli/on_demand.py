"""The commands of the group, each loaded when it is asked for: one command need not wait for the clients of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import click

from pipeline.cli.loading import loading


class Listed(NamedTuple):
    """A command as the group knows it before it is loaded."""

    place: str
    """`module:attribute`."""
    summary: str
    """The first sentence of its help."""


class OnDemand(Mapping[str, click.Command]):
    """Commands by name, out of a table that says where each is."""

    def __init__(self, table: Mapping[str, Listed]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> click.Command:
        return _load(self._table[name].place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


class OnDemandGroup(click.Group):
    """A group that loads the command that is run, and none for its own help."""

    def __init__(self, *, table: Mapping[str, Listed], **attributes: Any) -> None:
        super().__init__(commands=OnDemand(table), **attributes)  # type: ignore[arg-type]  # Click only reads it
        self._table = table

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list that Click would write, from the table instead of the commands."""
        summaries = [click.Command(name, help=listed.summary) for name, listed in self._table.items()]
        click.Group(commands=summaries).format_commands(ctx, formatter)


@cache
def _load(place: str) -> click.Command:
    module, _, attribute = place.partition(":")
    with loading():
        command: click.Command = getattr(import_module(module), attribute)
    return command
