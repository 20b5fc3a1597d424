"""Where a plan's objects come from: a listing, an S3 Inventory, or a list of keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import S3Uri
from pipeline.discover import Selection, Sighting, discover
from pipeline.discover.inventory import inventory
from pipeline.discover.key_list import KeySighting, key_list
from pipeline.errors import ConfigurationError
from pipeline.models import Found, Place, Stretch
from pipeline.query import parquet_rows
from pipeline.settings import S3Settings
from pipeline.storage.base import Storage

_BYTES_AT_ONCE = 1 << 16
_OBJECTS_AT_ONCE = 100  # of a list of keys, where each costs two requests: a few seconds until the first is planned
_KEYS_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


@dataclass(frozen=True, slots=True)
class Source:
    """A listing, unless something else is named. Files are names or `-` for standard input."""

    inventory: Place | None = None
    keys_file: str | None = None
    is_nul_separated: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it shows all that the archive has now."""
        return self.inventory is None and self.keys_file is None

    def found(
        self, storage: Storage, archive: Place, output: Place, chosen: Selection, settings: S3Settings
    ) -> Iterator[Stretch]:
        """The objects, in key order. Raises `ConfigurationError` when there is none, and what each source raises."""
        sighting = KeySighting()
        if self.inventory is not None:
            listed = inventory(
                storage, self.inventory, archive, output, chosen, parquet_rows=parquet_rows, sighting=sighting
            )
            found = _together(listed)
        elif self.keys_file is not None:
            found = _together(self._named(storage, archive, output, chosen, sighting))
        else:
            found = discover(storage, archive, output, chosen, settings, sighting=sighting)
        yield from found
        if sighting.missing:
            named = ", ".join(repr(key) for key in sighting.examples)
            click.echo(f"{sighting.missing} of the named keys do not exist, for example {named}.", err=True)
        if not sighting.audio:
            raise self._empty(archive, sighting)

    def _named(
        self, storage: Storage, archive: Place, output: Place, chosen: Selection, sighting: KeySighting
    ) -> Iterator[Found]:
        name = self.keys_file or "-"
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            pieces = iter(lambda: file.read(_BYTES_AT_ONCE), b"")
            yield from key_list(
                storage,
                pieces,
                archive,
                output,
                chosen,
                nul_separated=self.is_nul_separated,
                sighting=sighting,
            )

    def _empty(self, archive: Place, sighting: Sighting) -> ConfigurationError:
        where = "" if self.is_whole else f" in {self.inventory.uri}" if self.inventory else " among the named keys"
        return ConfigurationError(
            f"There is no audio under {archive.uri}{where} ({sighting.keys} other objects). Check the prefix. "
            "Audio is told by the end of the key (audio.extensions in nightscribe config show).",
            "empty_archive",
        )


def _together(found: Iterator[Found]) -> Iterator[Stretch]:
    while several := list(islice(found, _OBJECTS_AT_ONCE)):
        yield Stretch.of(several)


LISTING = Source()


def source_of(options: dict[str, Any]) -> Source:
    """The source that the options name."""
    named = [name for name in ("inventory", "keys_file", "keys0_file") if options.get(name) is not None]
    if len(named) > 1:
        raise click.UsageError("--inventory, --keys and --keys0 exclude one another: name one source.")
    return Source(
        inventory=options.get("inventory"),
        keys_file=options.get("keys_file") or options.get("keys0_file"),
        is_nul_separated=options.get("keys0_file") is not None,
    )


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--inventory, --keys and --keys0."""
    for option in (
        click.option("--keys0", "keys0_file", type=_KEYS_FILE, metavar="FILE|-", help="The same, each ended by NUL."),
        click.option(
            "--keys", "keys_file", type=_KEYS_FILE, metavar="FILE|-", help="Only these keys, one per line; no listing."
        ),
        click.option(
            "--inventory",
            type=S3Uri(),
            metavar="s3://.../manifest.json",
            help="The objects of an S3 Inventory; no listing.",
        ),
    ):
        command = option(command)
    return command
