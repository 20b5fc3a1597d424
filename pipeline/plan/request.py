"""What the user asked of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.models import Format, Found, Handling, Place, Price, Recipe, SidecarStamp
from pipeline.plan.table import Mode


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, the same for every object of the run."""

    run_id: str
    bucket: str
    recipe: Recipe
    output: Place
    formats: tuple[Format, ...] = ()
    mode: Mode = Mode.INCREMENTAL
    limit: int | None = None
    budgeted: bool = False
    """Whether the run has a ceiling."""
    allow_rebill: bool = False
    """Whether the user agrees to pay again where an earlier run has paid, or may have, for nothing."""
    is_whole: bool = True
    """Whether the objects found are all that the archive has, so that rows without an object leave the manifest."""
    handling: Handling = field(default_factory=Handling)
    prices: tuple[Price, ...] = ()
    """What the workers reckon with."""
    one_by_one: bool = False
    """Whether every object gets a decision of its own, also where one for many would do."""
    second: Recipe | None = None
    """What makes a suspect transcript once more; None when nothing does."""


# Reads the stamp of the sidecar of this object; None when Nightscribe did not write what stands there.
LookAtSidecar = Callable[[Found], SidecarStamp | None]
