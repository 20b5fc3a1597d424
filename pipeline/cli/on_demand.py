"""The commands of the group, each loaded when it is asked for: one command need not wait for the clients of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

import click


class OnDemand(Mapping[str, click.Command]):
    """Commands by name. `places` says where each is: `module:attribute`."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> click.Command:
        module, _, attribute = self._places[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
