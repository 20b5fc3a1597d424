"""The queries that come with Nightscribe: one file each, which begins with a comment that says what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

_SUFFIX = ".sql"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query with its name, and a sentence on what it answers."""

    name: str
    about: str
    sql: str


def named_queries() -> dict[str, NamedQuery]:
    """All of them by name, in its order."""
    found = {}
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(_SUFFIX):
            sql = file.read_text("utf-8")
            name = file.name.removesuffix(_SUFFIX)
            found[name] = NamedQuery(name, sql.partition("\n")[0].removeprefix("-- "), sql)
    return found
