"""What can differ, by its stable name, and the count of what was compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The stable names of differences."""

    LATEST_WRONG = "latest_wrong"
    """`latest.json` cannot be read, or says what the manifest does not."""
    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_CHECKSUM = "manifest_checksum"
    MANIFEST_WRONG = "manifest_wrong"
    """`manifest.json` cannot be read, or contradicts itself."""
    PART_MISSING = "part_missing"
    PART_CHECKSUM = "part_checksum"
    PART_SIZE = "part_size"
    PART_UNREADABLE = "part_unreadable"
    """It does not unpack; the objects in its key range are not compared."""
    PART_ROWS = "part_rows"
    """It holds another number of rows than the manifest says."""
    PART_RANGE = "part_range"
    """Its first or last key is another, or it begins before the part before it ends."""
    PART_BLOCKS = "part_blocks"
    """Its rows are not what the manifest says of its blocks, by which a plan passes over many at once."""
    ROW_UNREADABLE = "row_unreadable"
    ROW_ORDER = "row_order"
    ROW_TWICE = "row_twice"
    ROW_WRONG = "row_wrong"
    """Its fields contradict one another, or name another archive."""
    TOTALS_WRONG = "totals_wrong"
    ROW_WITHOUT_OBJECT = "row_without_object"
    OBJECT_WITHOUT_ROW = "object_without_row"
    OBJECT_CHANGED = "object_changed"
    """It has another ETag or size than its row says."""
    SIDECAR_MISSING = "sidecar_missing"
    SIDECAR_CHANGED = "sidecar_changed"
    """It has another ETag than its row says."""
    SIDECAR_WITHOUT_ROW = "sidecar_without_row"
    SIDECAR_UNREADABLE = "sidecar_unreadable"
    """Deep: it is not of the sidecars' schema."""
    SIDECAR_WRONG = "sidecar_wrong"
    """Deep: it says of its object, job or result what the row does not."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `key` is a whole S3 key, as it is; what `detail` quotes of others is escaped."""

    kind: Kind
    key: str
    detail: str


@dataclass(slots=True)
class Tally:
    """What was compared so far; one object, filled while the comparison runs."""

    run_id: str | None = None
    """The run whose manifest it is; None when the manifest cannot be read."""
    rows: int = 0
    objects: int = 0
    """Audio objects of the archive's listing."""
    sidecars: int = 0
    """Sidecars of the listing, ours by their names."""
    sidecars_read: int = 0
    not_compared: int = 0
    """Objects and sidecars that may have a row in a part that cannot be read."""
    at: str = ""
    """The key that was compared last."""
    by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def differences(self) -> int:
        """How many there are."""
        return sum(self.by_kind.values())

    def count(self, difference: Difference) -> None:
        """Counts a difference."""
        self.by_kind[difference.kind.value] = self.by_kind.get(difference.kind.value, 0) + 1
