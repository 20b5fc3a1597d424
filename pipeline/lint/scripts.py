"""Which letters a text is written in, and which ones a language is. Data and a count."""

from __future__ import annotations

import re
from collections import Counter

_RANGES = {
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
    "Kana": "\u3040-\u30ff",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff",
}
_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _RANGES.items()}
_LANGUAGES = {
    ("Latin",): "af az br bs ca cs cy da de en es et eu fi fo fr gl haw hr ht hu id is it jw la lb ln lt lv mg mi ms "
    "mt nl nn no oc pl pt ro sk sl sn so sq su sv sw tl tr vi yo",
    ("Cyrillic",): "be bg kk mk mn ru tg uk",
    ("Arabic",): "ar fa ps sd ur",
    ("Devanagari",): "hi mr ne sa",
    ("Greek",): "el",
    ("Hebrew",): "he",
    ("Thai",): "th",
    ("Hangul",): "ko",
    ("Kana", "Han"): "ja",
    ("Han",): "zh",
}
SCRIPTS: dict[str, tuple[str, ...]] = {code: scripts for scripts, codes in _LANGUAGES.items() for code in codes.split()}
"""The letters of a language; languages that are written in several, such as Serbian, are left out."""


def scripts_of(text: str) -> Counter[str]:
    """How many letters of each of these scripts a text has."""
    return Counter({name: len(letters.findall(text)) for name, letters in _LETTERS.items()})
