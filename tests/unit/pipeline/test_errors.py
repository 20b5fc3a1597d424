"""The error tree: closed, picklable, each with an exit code."""

from __future__ import annotations

import pickle

import pytest

from pipeline import errors
from pipeline.errors import NightscribeError


def tree(root=NightscribeError):
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_with_all_it_carries(kind):
    """Celery moves exceptions between processes."""
    error = kind("what happened", "the_reason", 3.5)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes

    assert (type(copy), copy.message, copy.reason, copy.delay_s) == (kind, "what happened", "the_reason", 3.5)


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree_of_the_docstring(kind):
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_says_itself_what_follows_from_it(kind):
    """Inherited facts would be facts that nobody has thought about."""
    assert "handling" in vars(kind)
    assert kind.handling.action


def test_the_exit_codes_are_those_that_the_help_promises():
    assert {kind.__name__: kind.exit_code for kind in tree()} | {
        "AccountError": 4,
        "ConfigurationError": 2,
        "BudgetReachedError": 3,
        "RunActiveError": 5,
        "BadInputError": 1,
    } == {kind.__name__: kind.exit_code for kind in tree()}
