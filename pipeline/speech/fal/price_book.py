"""What fal's price list has told, kept in a file on this machine with its date. For command lines only.

Workers never read it: a job brings the price that it was planned with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pipeline.errors import ConfigurationError
from pipeline.models import ListedPrice, Record


class _Page(Record):
    """The file: prices by endpoint, in the order of their names."""

    schema_version: Literal[1] = 1
    prices: tuple[ListedPrice, ...] = ()


class PriceBook:
    """The file. One that is not there is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mapping[str, ListedPrice]:
        """All prices by endpoint. Raises `ConfigurationError` for a file that cannot be read: never a price less."""
        try:
            page = _Page.model_validate_json(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return {}  # a user without a home cannot have kept any; a ceiling is then refused, never forgotten
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no price file of this version"
            raise ConfigurationError(
                f"Cannot read the prices in {self.path}: {why}. Delete it, then: nightscribe models --refresh-prices.",
                "prices_unreadable",
            ) from None
        return {price.endpoint_id: price for price in page.prices}

    def write(self, told: Iterable[ListedPrice]) -> None:
        """Notes what was told now, beside what was told before of other endpoints; whole or not at all."""
        known = {**self.read(), **{price.endpoint_id: price for price in told}}
        page = _Page(prices=tuple(price for _, price in sorted(known.items())))
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(page.model_dump_json(indent=1) + "\n", "utf-8")
            draft.replace(self.path)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot keep fal's prices in {self.path}: {error.strerror}. Name another file in fal.prices_file.",
                "prices_not_kept",
            ) from None
