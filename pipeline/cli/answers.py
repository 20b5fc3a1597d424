"""Prints the answer of a query: a table for people, text for programs. Never all rows at once, but for the table's."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.printable import printable
from pipeline.query import Answer

_TABLE_ROWS = 1000  # a table knows its columns' widths only when it has all its rows


def print_answer(answer: Answer, form: str | None) -> None:
    """Prints it as `table`, `tsv`, `csv` or `json`; with None as a table on a terminal, as TSV elsewhere."""
    _PRINTERS[form or ("table" if sys.stdout.isatty() else "tsv")](answer)


def escaped(text: str) -> str:
    r"""For a terminal, and for a line: control characters as their escapes, and a backslash as two."""
    return printable(text.replace("\\", r"\\"))


def _print_table(answer: Answer) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    rows = list(islice(answer.rows, _TABLE_ROWS + 1))
    for place, column in enumerate(answer.columns):
        is_number = any(isinstance(row[place], int | float | Decimal) for row in rows)
        table.add_column(Text(escaped(column)), justify="right" if is_number else "left", overflow="fold")
    for row in rows[:_TABLE_ROWS]:
        table.add_row(*(Text(escaped(_short(value))) for value in row))
    Console(highlight=False).print(table)
    if len(rows) > _TABLE_ROWS:
        click.echo(f"These are the first {_TABLE_ROWS:,} rows; --format csv prints all of them.", err=True)


def _print_tsv(answer: Answer) -> None:
    _print_lines(("\t".join(map(escaped, answer.columns)),))
    _print_lines("\t".join(escaped(_text(value)) for value in row) for row in answer.rows)


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(map(_text, row) for row in answer.rows)


def _print_json(answer: Answer) -> None:
    names = _told_apart(answer.columns)
    between = "[\n"
    for row in answer.rows:
        sys.stdout.write(between + json.dumps(dict(zip(names, map(_plain, row), strict=True)), default=_text))
        between = ",\n"
    sys.stdout.write("[]\n" if between == "[\n" else "\n]\n")


_PRINTERS: dict[str, Callable[[Answer], None]] = {
    "table": _print_table,
    "tsv": _print_tsv,
    "csv": _print_csv,
    "json": _print_json,
}
FORMS = tuple(_PRINTERS)


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)  # click.echo would flush each of a million


def _short(value: Any) -> str:
    # Ten digits: all that cents of millions need, and none of what binary fractions add.
    return format(value, ".10g") if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")  # the database's clock is UTC
    if isinstance(value, list | dict):
        return json.dumps(value, default=_text, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    """As JSON can say it, where that differs."""
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _told_apart(columns: Iterable[str]) -> list[str]:
    """Names for the members of an object: SQL may give two columns the same one."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names
