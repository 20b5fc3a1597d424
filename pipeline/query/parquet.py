"""Reads columns of a Parquet file, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.query.duckdb import Database, literal


def parquet_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """These columns of a Parquet file: one tuple per row, with None for a column that the file does not have.

    Times come as texts, ISO 8601 in UTC. `file` must lie in a folder that may be written to. Raises
    `ConfigurationError` when DuckDB is not installed, and with DuckDB's sentence when the file is no Parquet.
    """
    file = file.resolve()
    with Database(file.parent) as database:
        source = f"read_parquet({literal(str(file))})"
        kinds = {row[0]: row[1] for row in database.ask(f"DESCRIBE FROM {source}").rows}
        chosen = ", ".join(_as_plain(name, kinds.get(name)) for name in columns)
        yield from database.ask(f"SELECT {chosen} FROM {source}").rows  # noqa: S608  names are ours, the path is quoted


def _as_plain(name: str, kind: str | None) -> str:
    if kind is None:
        return "NULL"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(\"{name}\"::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f'"{name}"'
