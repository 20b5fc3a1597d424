"""A text as what can be counted: words, or characters where a script puts no spaces between words. Pure."""

from __future__ import annotations

import re

# Each of these characters is a token of its own: kana and kanji. Iteration marks and the long vowel belong to them.
_CHARACTERS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003134f"
# Thai, Lao, Tibetan, Burmese, Khmer: letters and their marks, about three to a syllable.
_SYLLABIC = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
_LETTERS_PER_SYLLABLE = 3
_TOKEN = re.compile(rf"[{_CHARACTERS}]|[{_SYLLABIC}]{{1,{_LETTERS_PER_SYLLABLE}}}|[^\W_{_CHARACTERS}{_SYLLABIC}]+")
_UNSPACED = re.compile(rf"[{_CHARACTERS}{_SYLLABIC}]")


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; for a script without spaces its characters.

    Thai and its neighbours are cut every three letters: that is about a syllable, which is what is spoken at a rate.
    """
    return _TOKEN.findall(text.casefold())


def is_unspaced(words: list[str]) -> bool:
    """Whether most of the tokens are of a script that puts no spaces between words."""
    return 2 * sum(_UNSPACED.match(word) is not None for word in words) > len(words)
