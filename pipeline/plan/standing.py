"""What is seen of an object: its listing, its sidecar, its row. Pure; the first of these that holds is its standing."""

from __future__ import annotations

from enum import StrEnum

from pipeline import keys
from pipeline.models import Found, Place, Recipe, RememberedRow, SidecarStamp, State
from pipeline.settings import AudioSettings

# Reasons of rows that workers hand in.
RESULT_EXPIRED = "result_expired"
DURATION_UNKNOWN = "duration_unknown"
STALE = "stale"


class Standing(StrEnum):
    """What is seen of an object, in the order in which it is looked at."""

    GONE = "gone"
    """In the last manifest, and not in the archive."""
    EXCLUDED = "excluded"
    """By the user's globs."""
    KEY_TOO_LONG = "key_too_long"
    """For a sidecar beside it."""
    EMPTY_OBJECT = "empty_object"
    TOO_LARGE = "too_large"
    FAULT_REPORTED = "fault_reported"
    """One of the three above, or a foreign sidecar, and the last manifest says so already."""
    FOREIGN_SIDECAR = "foreign_sidecar"
    """Somebody else wrote what stands in the sidecar's place, or edited it since."""
    DONE_BY_THIS_RUN = "done_by_this_run"
    """Before it was interrupted."""
    CURRENT = "current"
    """A sidecar of this object version and recipe is there."""
    OTHER_RECIPE = "recipe_changed"
    """A sidecar of this object version is there, made with another model or other arguments."""
    CHANGED = "changed"
    """The audio is another than when it was last looked at."""
    SIDECAR_MISSING = "sidecar_missing"
    """Its sidecar was there and is gone."""
    UNCERTAIN = "uncertain"
    """A paid request may exist: the worker asks fal's history, and guesses nothing."""
    STALE = "stale"
    """It was replaced while it was being transcribed."""
    RESULT_EXPIRED = "result_expired"
    """It was paid for, and fal has forgotten the result."""
    FAILED_FOR_GOOD = "failed_before"
    """For a reason of its own, with this recipe."""
    FAILED_OTHERWISE = "failed_with_other_recipe"
    FAILED_IN_PASSING = "failed_in_passing"
    """For a reason that may be over."""
    OVER_CEILING = "left_under_ceiling"
    """Its length is unknown, so that no ceiling could hold it."""
    PENDING = "pending"
    """Planned before and not done."""
    NEW = "new"


_UNFINISHED = {State.FAILED, State.UNCERTAIN, State.PENDING}


def is_of_version(row: RememberedRow, item: Found | RememberedRow) -> bool:
    """Whether the row is about this version of the object. A version id decides where both have one."""
    if row.etag != item.etag or row.size_bytes != item.size_bytes:
        return False
    return row.version_id is None or item.version_id is None or row.version_id == item.version_id


def is_untouched(
    item: Found, row: RememberedRow | None, recipe_hash: str, run_id: str, settings: AudioSettings
) -> bool:
    """Whether it is surely `CURRENT`: all is as an earlier run's row says, as mostly where no block is recognised.

    What is said here in one look follows from the functions below too, in three times the time.
    """
    return (
        row is not None
        and row.state is State.DONE
        and row.sidecar_etag == item.sidecar_etag
        and row.etag == item.etag
        and row.size_bytes == item.size_bytes
        and row.recipe == recipe_hash
        and row.run_id != run_id
        and row.version_id is None
        and item.sidecar_etag is not None  # it is there, so that its key is not too long
        and not item.excluded
        and 0 < item.size_bytes <= settings.max_size_bytes
    )


def before_sidecar(item: Found, row: RememberedRow | None, output: Place, settings: AudioSettings) -> Standing | None:
    """What the listing alone says; None when nothing is wrong."""
    if item.excluded:
        return Standing.EXCLUDED
    if not keys.fits(keys.sidecar_key(output, item.key)):
        return _reported(Standing.KEY_TOO_LONG, row, item)
    if item.size_bytes == 0:
        return _reported(Standing.EMPTY_OBJECT, row, item)
    if item.size_bytes > settings.max_size_bytes:
        return _reported(Standing.TOO_LARGE, row, item)
    was_looked_at = row is not None and item.sidecar_etag is not None and row.sidecar_etag == item.sidecar_etag
    return Standing.FAULT_REPORTED if was_looked_at and _is_reported(Standing.FOREIGN_SIDECAR, row, item) else None


def knows_sidecar(item: Found, row: RememberedRow | None) -> bool:
    """Whether the row tells whose the sidecar is that was seen."""
    return row is not None and row.sidecar_etag == item.sidecar_etag and row.state is State.DONE


def by_row(item: Found, row: RememberedRow | None, recipe: Recipe, run_id: str) -> Standing:
    """The standing of an object without a sidecar, or with one that the row knows."""
    if row is None:
        return Standing.NEW
    if not is_of_version(row, item):
        return Standing.CHANGED
    match row.state:
        case State.DONE if item.sidecar_etag is None:
            standing = Standing.SIDECAR_MISSING
        case State.DONE:
            standing = _done(row, recipe, run_id)
        case State.UNCERTAIN:
            standing = Standing.UNCERTAIN
        case State.FAILED:
            standing = _failed(row, recipe)
        case State.PENDING:
            standing = Standing.OVER_CEILING if row.reason == DURATION_UNKNOWN else Standing.PENDING
        case State.SKIPPED:  # left out by an earlier run
            standing = Standing.NEW
    return standing


def by_stamp(
    item: Found, row: RememberedRow | None, stamp: SidecarStamp | None, recipe: Recipe, run_id: str
) -> Standing:
    """The standing of an object whose sidecar had to be looked at."""
    if stamp is None:
        return _reported(Standing.FOREIGN_SIDECAR, row, item)
    if stamp.object_etag != item.etag:
        # It is of an older version. What has become of this one since, the row tells: it may have failed for good.
        is_tried = row is not None and is_of_version(row, item) and row.state in _UNFINISHED
        return by_row(item, row, recipe, run_id) if is_tried else Standing.CHANGED
    return _done(stamp, recipe, run_id)


def _done(made: RememberedRow | SidecarStamp, recipe: Recipe, run_id: str) -> Standing:
    """A second opinion that has taken the place of what was asked for is what was asked for."""
    if recipe.hash not in (made.recipe, made.stands_for):
        return Standing.OTHER_RECIPE
    return Standing.DONE_BY_THIS_RUN if made.run_id == run_id else Standing.CURRENT


def _failed(row: RememberedRow, recipe: Recipe) -> Standing:
    if row.reason == STALE:
        return Standing.STALE
    if not row.permanent:
        return Standing.FAILED_IN_PASSING
    if row.recipe != recipe.hash:
        return Standing.FAILED_OTHERWISE
    return Standing.RESULT_EXPIRED if row.reason == RESULT_EXPIRED else Standing.FAILED_FOR_GOOD


def _reported(fault: Standing, row: RememberedRow | None, item: Found) -> Standing:
    return Standing.FAULT_REPORTED if _is_reported(fault, row, item) else fault


def _is_reported(fault: Standing, row: RememberedRow | None, item: Found) -> bool:
    return row is not None and row.state is State.FAILED and row.reason == fault.value and is_of_version(row, item)
