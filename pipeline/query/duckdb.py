"""DuckDB, locked: it reads the files of one folder and nothing else. The only file that imports duckdb.

DuckDB would fetch extensions from the network, read any file and write any other, whenever a query says so. None of
that is needed here, so all of it is off before the first query.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipeline.errors import ConfigurationError
from pipeline.printable import printable

if TYPE_CHECKING:
    from types import ModuleType

    from duckdb import DuckDBPyConnection

_MEMORY_LIMIT = "256MB"  # what sorts and groups more than that spills to disk
_THREADS = 1  # each reads through buffers of its own, beside which two could not sort a million rows in this memory
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives. The rows come as they are read, once, while the database is open.

    Reading them raises `ConfigurationError` as `Database.ask` does: some errors are met only then.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class Database:
    """An empty database that reads the files of `folder`, and spills there. A context manager, for one thread.

    Raises `ConfigurationError` when DuckDB is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._duckdb = _imported()
        self._connection: DuckDBPyConnection = self._duckdb.connect()
        for setting, value in (
            ("autoinstall_known_extensions", "false"),
            ("autoload_known_extensions", "false"),
            ("memory_limit", literal(_MEMORY_LIMIT)),
            ("threads", _THREADS),
            ("temp_directory", literal(str(folder / "spilled"))),
            ("TimeZone", literal("UTC")),  # the times of a manifest are UTC, and so is `now()` beside them
            ("allowed_directories", f"[{literal(f'{folder}/')}]"),
            ("enable_external_access", "false"),
            ("lock_configuration", "true"),
        ):
            self._connection.execute(f"SET {setting} = {value}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def define(self, sql: str) -> None:
        """Carries out a statement of ours, such as one that makes a view. Ctrl-C ends it."""
        with _interruptible():
            self._connection.execute(sql)

    def ask(self, sql: str) -> Answer:
        """Answers one query.

        Raises `ConfigurationError` with DuckDB's sentence for one that it refuses, and for what is no single query.
        """
        with self._explained():
            statements = self._connection.extract_statements(sql)
            results = statements[0].expected_result_type if len(statements) == 1 else []
            if self._duckdb.ExpectedResultType.QUERY_RESULT not in results:
                raise ConfigurationError(
                    "The SQL must be one query that gives rows: SELECT, DESCRIBE, SUMMARIZE or EXPLAIN.", "bad_query"
                )
            answered = self._connection.execute(statements[0])
        return Answer(tuple(column[0] for column in answered.description), self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        while True:
            with self._explained():
                rows = self._connection.fetchmany(_ROWS_AT_ONCE)
            if not rows:
                return
            yield from rows

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with _interruptible():
                yield
        except self._duckdb.OutOfMemoryException:
            raise ConfigurationError(
                f"The query needs more than {_MEMORY_LIMIT} at once, even with what can be put to disk. Ask for fewer "
                "columns or rows; or take all rows along with --format csv, to another database.",
                "query_too_large",
            ) from None
        except self._duckdb.Error as error:
            raise ConfigurationError(f"DuckDB says: {_shown(str(error))}", "bad_query") from None


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error):  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _shown(sentence: str) -> str:
    """Without control characters: DuckDB quotes the value that it stumbled over, such as a key."""
    return printable(sentence, keep="\n")


def _imported() -> ModuleType:
    try:
        import duckdb  # noqa: PLC0415  an extra: everything but this works without it
    except ImportError:
        raise ConfigurationError(
            "This needs DuckDB, which is not installed. Install it with: pip install 'nightscribe[query]'",
            "query_extra_missing",
        ) from None
    return duckdb
