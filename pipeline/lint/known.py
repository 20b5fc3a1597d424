"""What lint knows of languages and models: the data of `known.toml`, as `tokens` cuts it."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from pipeline.lint.tokens import tokens

_DATA = tomllib.loads(files(__package__).joinpath("known.toml").read_text("utf-8"))


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(tokens(phrase)) for phrase in text.split("|"))


FUNCTION_WORDS: dict[str, frozenset[str]] = {
    code: frozenset(tokens(words)) for code, words in _DATA["function_words"].items()
}
"""By language its small words."""
THANKS = _phrases(_DATA["silence"]["thanks"])
"""Whole sentences that models say about silence, and people too."""
CREDITS = _phrases(_DATA["silence"]["credits"])
"""Parts of sentences that hardly anybody says."""
