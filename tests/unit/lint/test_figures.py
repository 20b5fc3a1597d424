"""How good lint is on labelled transcripts that its thresholds do not know; the figures are printed, and published."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled.figures import ANY, CASES, errors, figures, names_in, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "lint.md"


def test_the_labelled_set_is_large_enough_and_both_halves_have_both_kinds():
    names = [case.name for case in CASES]

    assert len(names) == len(set(names)) >= 60
    for half in (True, False):
        cases = [case for case in CASES if case.is_held_out is half]
        assert sum(not case.wrong for case in cases) >= 20
        assert sum(bool(case.wrong) for case in cases) >= 20


def test_precision_and_recall_on_the_half_by_which_no_threshold_was_chosen(record_property):
    """The bounds are below what was measured, so that a case more or less does not break them, and a rule does."""
    held_out = figures(case for case in CASES if case.is_held_out)

    record_property("summary", f"lint, on labelled transcripts (held out, then the others)\n{table()}")

    assert held_out[ANY].precision >= 0.9, "\n".join(errors())
    assert held_out[ANY].recall >= 0.9, "\n".join(errors())
    for name, figure in held_out.items():
        if figure.right + figure.missed >= 5:
            assert figure.precision >= 0.8, (name, errors())
            assert figure.recall >= 0.8, (name, errors())


def test_the_figures_in_the_document_are_those_of_the_code():
    text = DOCUMENT.read_text("utf-8")

    assert table() in text, f"put this into docs/lint.md:\n{table()}"
    listed = text.partition("What it gets wrong")[2]
    assert [line for line in errors() if line not in listed] == []


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.is_held_out and case.wrong], ids=lambda case: case.name
)
def test_each_rule_has_a_case_that_it_alone_can_find(case):
    """Of the half that chose the thresholds, these were seen to be found; a list of those that are not stands here."""
    missed = {"truncated by little", "asked en, text is welsh", "gibberish in finnish"}

    assert (not case.wrong <= names_in(case)) == (case.name in missed)
