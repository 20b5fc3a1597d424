"""All rules, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.lint.boilerplate import boilerplate
from pipeline.lint.coverage import gap, silent, truncated
from pipeline.lint.delivery import partial, times_repaired, wishes
from pipeline.lint.heard import Heard
from pipeline.lint.language import language
from pipeline.lint.loops import loop
from pipeline.lint.speed import speed
from pipeline.models import Finding
from pipeline.settings import LintSettings

Rule = Callable[[Heard, LintSettings], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    loop,
    boilerplate,
    language,
    speed,
    silent,
    gap,
    truncated,
    wishes,
    partial,
    times_repaired,
)


def lint(heard: Heard, settings: LintSettings) -> tuple[Finding, ...]:
    """Every reason to doubt a transcript; none for one that reads well. At most one finding of a name."""
    return tuple(finding for rule in RULES for finding in rule(heard, settings))
