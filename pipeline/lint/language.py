"""Whether a text reads like the language that it should be in: by what the model says, by its script, by its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.lint.heard import Heard
from pipeline.lint.known import FUNCTION_WORDS
from pipeline.lint.scripts import SCRIPTS, scripts_of
from pipeline.models import Finding
from pipeline.settings import LintSettings

_CODES = {
    # ISO 639-2 and -3, and the names that models use, where they differ from the two letters.
    "eng": "en", "english": "en", "deu": "de", "ger": "de", "german": "de", "fra": "fr", "fre": "fr", "french": "fr",
    "spa": "es", "spanish": "es", "ita": "it", "italian": "it", "por": "pt", "portuguese": "pt", "nld": "nl",
    "dut": "nl", "dutch": "nl", "rus": "ru", "russian": "ru", "ukr": "uk", "ukrainian": "uk", "pol": "pl",
    "polish": "pl", "swe": "sv", "swedish": "sv", "dan": "da", "nor": "no", "nob": "no", "nb": "no", "nno": "nn",
    "fin": "fi", "ces": "cs", "cze": "cs", "tur": "tr", "turkish": "tr", "ell": "el", "gre": "el", "heb": "he",
    "iw": "he", "ara": "ar", "arabic": "ar", "fas": "fa", "per": "fa", "hin": "hi", "hindi": "hi", "jpn": "ja",
    "japanese": "ja", "kor": "ko", "korean": "ko", "zho": "zh", "chi": "zh", "cmn": "zh", "yue": "zh",
    "chinese": "zh", "vie": "vi", "tha": "th", "ind": "id", "indonesian": "id", "hun": "hu", "ron": "ro", "rum": "ro",
    "cat": "ca", "fil": "tl", "jv": "jw",
}  # fmt: skip
_ENOUGH_LETTERS = 20
_ALIKE = 2  # Portuguese has half of the small words of Spanish, and no two of these languages share more


def language(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`other_language`: not the one asked for, or not the one it calls itself. `gibberish`: of none at all."""
    asked = code_of(heard.asked.language)
    named = code_of(heard.language)
    is_translated = heard.asked.task == "translate"
    if heard.is_silent:
        return
    if asked and named and asked != named and not is_translated:
        yield _other(f"{asked} was asked for, and the model heard {named}")
        return
    expected = "en" if is_translated else asked or named
    if expected is None:
        return
    letters = scripts_of(heard.text)
    known = SCRIPTS.get(expected)
    if known and letters.total() >= _ENOUGH_LETTERS and 2 * sum(letters[name] for name in known) < letters.total():
        script = letters.most_common(1)[0][0]
        yield _other(f"{expected} is not written in {script} letters, and most of this text is")
    elif expected in FUNCTION_WORDS and len(heard.tokens) >= settings.language_from_words:
        yield from _by_function_words(heard.tokens, expected, settings)


def code_of(name: str | None) -> str | None:
    """A language as two letters where it has them: `de` for de-DE, deu and German; None for auto and for nothing."""
    if name is None or not name.strip() or name.strip().lower() == "auto":
        return None
    primary = name.strip().lower().replace("_", "-").partition("-")[0]
    return _CODES.get(primary, primary)


def _by_function_words(tokens: list[str], expected: str, settings: LintSettings) -> Iterator[Finding]:
    counted = Counter(tokens)
    shares = {code: sum(counted[word] for word in words) / len(tokens) for code, words in FUNCTION_WORDS.items()}
    likely = max(shares, key=lambda code: shares[code])
    if shares[likely] >= settings.function_words_other and shares[likely] > _ALIKE * shares[expected]:
        detail = f"it reads like {likely} and should be {expected}"
        yield _other(f"{detail}: {100 * shares[likely]:.0f} % of its words are common there")
    elif max(shares.values()) < settings.gibberish_share:
        detail = f"{100 * shares[expected]:.0f} % of its words are common ones of {expected}: no sentences"
        yield Finding(name="gibberish", detail=detail)


def _other(detail: str) -> Finding:
    return Finding(name="other_language", detail=detail)
