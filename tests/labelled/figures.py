"""How often lint is right: precision and recall by finding over labelled transcripts, and the table of docs/lint.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import builders
from labelled.bad import BAD
from labelled.building import Case
from labelled.good import GOOD

from pipeline.lint import lint

CASES = [*GOOD, *BAD]
ANY = "any finding"


@dataclass
class Figure:
    """What a finding comes to: said rightly, said wrongly, and not said."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Of what was said the share that is right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of what should be said the share that is said."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


_THRESHOLDS = builders.settings().lint


def names_in(case: Case) -> set[str]:
    """What lint says, with the thresholds that users have."""
    return {finding.name for finding in lint(case.heard, _THRESHOLDS)}


def figures(cases: Iterable[Case]) -> dict[str, Figure]:
    """By finding, and over all: there a transcript counts, whatever the reason for which it is suspect."""
    by_name: dict[str, Figure] = {ANY: Figure()}
    for case in cases:
        said = names_in(case)
        for name in said | case.wrong:
            figure = by_name.setdefault(name, Figure())
            figure.right += name in said & case.wrong
            figure.wrong += name in said - case.wrong - case.beside
            figure.missed += name in case.wrong - said
        by_name[ANY].right += bool(said and case.wrong)
        by_name[ANY].wrong += bool(said and not case.wrong)
        by_name[ANY].missed += bool(case.wrong and not said)
    return by_name


def table() -> str:
    """Both halves beside each other, as Markdown."""
    held_out, chosen_by = (figures(case for case in CASES if case.is_held_out is half) for half in (True, False))
    lines = ["| finding | precision | recall | of | precision | recall | of |", "|---|---|---|---|---|---|---|"]
    for name in sorted(held_out.keys() | chosen_by.keys(), key=lambda name: (name == ANY, name)):
        cells = [_cells(half.get(name, Figure())) for half in (held_out, chosen_by)]
        lines.append(f"| {f'**{name}**' if name == ANY else f'`{name}`'} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def errors() -> list[str]:
    """Every held-out case that lint gets wrong: whoever reads the figures should see which these are."""
    lines = []
    for case in CASES:
        said = names_in(case)
        wrong, missed = said - case.wrong - case.beside, case.wrong - said
        if case.is_held_out and (wrong or missed):
            what = [f"says {name}" for name in sorted(wrong)] + [f"misses {name}" for name in sorted(missed)]
            lines.append(f"- {case.name}: {', '.join(what)}")
    return lines


def _cells(figure: Figure) -> str:
    cases = figure.right + figure.missed
    precision = f"{figure.precision:.2f}" if figure.right + figure.wrong else "-"
    return f"{precision} | {figure.recall:.2f} | {cases}" if cases else f"{precision} | - | 0"
