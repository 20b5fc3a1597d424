"""The archives of a night, out of one TOML file: `configs/archives.example.toml` describes it.

    [defaults] ─┐
                ├─ each [[archive]] over the defaults ─▶ ArchiveEntry ─▶ the words of a command line
    [[archive]] ┘

What a name means is what the option of the same name means: an entry becomes the words that a person would have typed.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.models import Record

_BAD = "bad_archives_file"
_TABLES = ("defaults", "archive")
_HERE_ONLY = "uri"


class ArchiveEntry(Record):
    """An archive with what a night does about it. What is not given is as without the option."""

    uri: str
    output: str | None = None
    model: str | None = None
    language: str | None = None
    task: Literal["transcribe", "translate"] | None = None
    translate: bool = False
    diarize: bool = False
    speakers: int | None = None
    words: bool = False
    prompt: str | None = None
    keyterms: tuple[str, ...] = ()
    args: dict[str, JsonValue] = Field(default_factory=dict)
    """By name of the argument; otherwise --arg."""
    formats: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    max_cost: float | None = None
    """USD."""
    max_audio_hours: float | None = None
    on_suspect: str | None = None
    delivery: Literal["presigned", "upload", "public"] | None = None
    wait: Literal["poll", "webhook"] | None = None
    delete_payloads: bool = False
    no_store_io: bool = False

    def command_line(self) -> list[str]:
        """The words behind `nightscribe nightly` that mean the same."""
        words = [f"--arg={name}={json.dumps(value)}" for name, value in self.args.items()]
        words += [f"--formats={','.join(self.formats)}"] if self.formats else []
        for name in type(self).model_fields:
            if name not in {_HERE_ONLY, "args", "formats"}:
                words += _option(name, getattr(self, name))
        return [*words, "--", self.uri]


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option] if value else []
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return [f"{option}={each}" for each in values]


def read_archives(path: Path) -> list[ArchiveEntry]:
    """The archives in the order in which they stand there; at least one.

    Raises `ConfigurationError` (`bad_archives_file`), naming file and table, for a file that cannot be read, an unknown
    name (with the nearest known one), a value of the wrong kind, and an archive that stands there twice.
    """
    tables = _parsed(path)
    for name in tables:
        _require_known(name, _TABLES, str(path), "table")
    defaults, archives = tables.get("defaults", {}), tables.get("archive", [])
    if not isinstance(archives, list) or not isinstance(defaults, dict):
        raise ConfigurationError(f"{path}: write each archive as a table [[archive]], and one [defaults].", _BAD)
    if _HERE_ONLY in defaults:
        raise ConfigurationError(f"{path}, [defaults]: uri belongs to a single [[archive]].", _BAD)
    _check_names(defaults, f"{path}, [defaults]")
    entries = [_entry(defaults, table, place_of(path, number)) for number, table in enumerate(archives, 1)]
    if not entries:
        raise ConfigurationError(f"{path} names no archive. Add a table [[archive]] with its uri.", _BAD)
    _check_repeats(entries, path)
    return entries


def place_of(path: Path, number: int) -> str:
    """How messages name the archive of that number, counted from 1."""
    return f"{path}, [[archive]] {number}"


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}). Name another file.", _BAD) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise ConfigurationError(f"{path} is no TOML file in UTF-8: {error}.", _BAD) from None


def _entry(defaults: dict[str, Any], table: Any, place: str) -> ArchiveEntry:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{place}: it is no table.", _BAD)
    _check_names(table, place)
    try:
        # Strict, but for lists, which TOML knows and tuples it does not: "yes" is no true.
        return ArchiveEntry.model_validate_json(json.dumps(defaults | table, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"])) or "it"
        raise ConfigurationError(f"{place}: {name} is wrong: {first['msg']}.", _BAD) from None


def _check_names(table: dict[str, Any], place: str) -> None:
    for name in table:
        _require_known(name, tuple(ArchiveEntry.model_fields), place, "name")


def _require_known(name: str, known: tuple[str, ...], place: str, what: str) -> None:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        meant = f" Did you mean {nearest[0]!r}?" if nearest else f" There are: {', '.join(known)}."
        raise ConfigurationError(f"{place}: there is no {what} {name!r}.{meant}", _BAD)


def _check_repeats(entries: list[ArchiveEntry], path: Path) -> None:
    seen: dict[tuple[str, str | None], int] = {}
    for number, entry in enumerate(entries, 1):
        first = seen.setdefault((entry.uri, entry.output), number)
        if first != number:
            raise ConfigurationError(
                f"{place_of(path, number)}: {entry.uri} is that of [[archive]] {first} already. Leave one of them out.",
                _BAD,
            )
