"""What a plan works with and decides: a remembered row, and the skip."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from pipeline.models.manifests import PLANNED, Block, ManifestRow, State


class RememberedRow(msgspec.Struct, gc=False):
    """Of a row of a manifest what decisions and sums need, and the row itself as it lies there.

    A run over a million objects reads a million rows and changes a hundred: the others go from one manifest into the
    next without ever being more than this.
    """

    key: str
    etag: str
    size_bytes: int
    state: State
    version_id: str | None = None
    reason: str | None = None
    permanent: bool = False
    job_id: str | None = None
    run_id: str | None = None
    endpoint_id: str | None = None
    recipe: str | None = None
    attempts: int = 0
    duration_s: float | None = None
    words: int | None = None
    cost_usd: float | None = None
    processing_s: float | None = None
    sidecar_etag: str | None = None
    suspect: tuple[str, ...] = ()
    stands_for: str | None = None
    line: bytes = b""
    """The row as JSON, without the end of its line."""
    is_news: bool = False
    """Whether it is newer than the last manifest, which knows nothing of it."""

    @property
    def is_unsettled(self) -> bool:
        """See `ManifestRow.is_unsettled`."""
        return self.state is State.PENDING and self.reason == PLANNED

    def row(self) -> ManifestRow:
        """The whole row. Raises `ValidationError` when it keeps not to the schema."""
        return ManifestRow.model_validate_json(self.line)


_decode = msgspec.json.Decoder(RememberedRow).decode


def remembered_row(line: bytes, *, is_news: bool = False) -> RememberedRow:
    """The row of a line. Raises `ValueError` on one that is no row."""
    row = _decode(line)
    row.line = line
    if is_news:
        row.is_news = True
    return row


class KnownRows(Protocol):
    """Rows of the last manifest that follow one another in key order, unpacked when somebody asks for them."""

    @property
    def last_key(self) -> str:
        """The key of the last row."""

    @property
    def count(self) -> int:
        """How many they are."""

    @property
    def block(self) -> Block | None:
        """What the manifest says of them all; None where it says nothing."""

    def rows(self) -> list[RememberedRow]:
        """All of them, at least one. Raises `ConfigurationError` when they were changed after they were written."""

    def some(self, numbers: Sequence[int]) -> list[RememberedRow]:
        """Those with these numbers, from 0. Raises the same."""


class SkipReason(StrEnum):
    """Why an object is not transcribed in this run."""

    CURRENT = "current"
    OTHER_RECIPE = "other_recipe"
    FAILED_BEFORE = "failed_before"
    NOT_FAILED = "not_failed"
    EMPTY_OBJECT = "empty_object"
    TOO_LARGE = "too_large"
    FOREIGN_SIDECAR = "foreign_sidecar"
    KEY_TOO_LONG = "key_too_long"
    EXCLUDED = "excluded"
    OVER_LIMIT = "over_limit"
    AFTER_DEADLINE = "after_deadline"
    """It was its turn when nothing new was submitted any more."""
    BUDGET_REACHED = "budget_reached"
    """It did not fit under the ceiling of a night, which has ended with that."""
    GONE = "gone"
    """The last manifest has it, and the archive has it no more."""


class Skip(NamedTuple):
    """The decision not to transcribe an object now, with the row that the manifest will hold for it."""

    reason: SkipReason
    row: ManifestRow | RememberedRow
    """A remembered one stays as it is. That of an object which is gone leaves the manifest."""


class Untouched(NamedTuple):
    """The decision on many objects at once: none is transcribed, for all is as the last manifest says."""

    objects: int
