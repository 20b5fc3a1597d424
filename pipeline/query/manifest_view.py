"""The view `manifest` over a manifest's part files: its rows' fields with their types, and their show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import AwareDatetime

from pipeline.models import ManifestRow
from pipeline.query.duckdb import literal

# bool before int, which it is a kind of. TIMESTAMP is without a zone, for DuckDB needs one more package for the other.
_TYPES = ((bool, "BOOLEAN"), (int, "BIGINT"), (float, "DOUBLE"), (str, "VARCHAR"), (AwareDatetime, "TIMESTAMP"))
_LONGEST_ROW_BYTES = 4 << 20  # far more than any row has; DuckDB's buffers are as large as a few of these
_SHOW = "show_name"  # not `show`, which is a word of SQL's own and would have to be quoted in every query


def manifest_view(parts: Sequence[Path], prefix: str) -> str:
    """The statement that makes the view `manifest` over these parts of an archive with that prefix.

    Types are told, not guessed from the rows: a column in which nothing stands yet keeps its type.
    """
    columns = {name: _type(field.annotation) for name, field in ManifestRow.model_fields.items()}
    if parts:
        files = ", ".join(literal(str(part)) for part in parts)
        types = ", ".join(f'"{name}": {literal(kind)}' for name, kind in columns.items())
        source = (
            f"read_json([{files}], format = 'newline_delimited', compression = 'gzip', "
            f"maximum_object_size = {_LONGEST_ROW_BYTES}, columns = {{{types}}})"
        )
    else:
        nothing = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())
        source = f"(SELECT {nothing} WHERE false)"
    return f"CREATE VIEW manifest AS SELECT *, {_show(prefix)} AS {_SHOW} FROM {source}"  # noqa: S608  names are ours, paths are quoted


def _show(prefix: str) -> str:
    """The first folder below the archive's, or else of the key; NULL for a key without folders."""
    folder = prefix[: prefix.rfind("/") + 1]  # `shows/a` is an archive too, of all keys that begin so
    below = f"substr(key, {len(folder) + 1})"
    return (
        f"CASE WHEN contains({below}, '/') THEN split_part({below}, '/', 1) "
        "WHEN contains(key, '/') THEN split_part(key, '/', 1) END"
    )


def _type(annotation: Any) -> str:
    """DuckDB's type for a field that is of this type, or of this type and optional; or a list of it."""
    if get_origin(annotation) is tuple:
        return f"{_type(get_args(annotation)[0])}[]"
    (kind,) = [option for option in get_args(annotation) or (annotation,) if option is not type(None)]
    return next(name for python, name in _TYPES if issubclass(kind, python))
