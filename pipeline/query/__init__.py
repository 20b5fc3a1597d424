"""Questions in SQL about files that lie in one folder: the parts of a manifest, a Parquet file.

    part files ─▶ view `manifest` ─▶ DuckDB, locked ─▶ Answer(columns, rows)

`duckdb` is the door to DuckDB, which is an extra. Nothing here fetches anything: the files are there already, and the
database can reach no others.
"""

from pipeline.query.duckdb import Answer, Database
from pipeline.query.manifest_view import manifest_view
from pipeline.query.named import NamedQuery, named_queries
from pipeline.query.parquet import parquet_rows

__all__ = ["Answer", "Database", "NamedQuery", "manifest_view", "named_queries", "parquet_rows"]
