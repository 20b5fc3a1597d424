"""The 99 languages of Whisper, which whisper and wizper share (docs/fal.md section 14.1)."""

from __future__ import annotations

from difflib import get_close_matches

from pipeline.errors import ConfigurationError

AUTO = "auto"
LANGUAGES = frozenset(
    [
        "af",
        "am",
        "ar",
        "as",
        "az",
        "ba",
        "be",
        "bg",
        "bn",
        "bo",
        "br",
        "bs",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fo",
        "fr",
        "gl",
        "gu",
        "ha",
        "haw",
        "he",
        "hi",
        "hr",
        "ht",
        "hu",
        "hy",
        "id",
        "is",
        "it",
        "ja",
        "jw",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "la",
        "lb",
        "ln",
        "lo",
        "lt",
        "lv",
        "mg",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "ne",
        "nl",
        "nn",
        "no",
        "oc",
        "pa",
        "pl",
        "ps",
        "pt",
        "ro",
        "ru",
        "sa",
        "sd",
        "si",
        "sk",
        "sl",
        "sn",
        "so",
        "sq",
        "sr",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "tk",
        "tl",
        "tr",
        "tt",
        "uk",
        "ur",
        "uz",
        "vi",
        "yi",
        "yo",
        "zh",
    ]
)


def language_code(text: str) -> str | None:
    """The code in fal's spelling; None for `auto`. Raises `ConfigurationError` that names near matches."""
    code = text.strip().lower()
    if code == AUTO:
        return None
    if code in LANGUAGES:
        return code
    near = get_close_matches(code, LANGUAGES, n=3, cutoff=0.6)
    if code[:2] in LANGUAGES and code[:2] not in near:  # de-DE, german
        near = [code[:2], *near]
    hint = f"Did you mean {' or '.join(near)}?" if near else "Give a code such as de or en."
    raise ConfigurationError(
        f"The model knows no language {text[:40]!r}. {hint} Or leave it out, for auto.", reason="bad_language"
    )
