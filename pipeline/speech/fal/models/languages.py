"""How a user's language becomes a model's own code for it. The lists are in each model's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pipeline.errors import ConfigurationError
from pipeline.speech.fal.iso639 import iso_code

AUTO = "auto"
_CODE_LENGTHS = (2, 3)


def listed(codes: str) -> tuple[str, ...]:
    """The codes in a text that keeps a long list short."""
    return tuple(codes.split())


# The 99 languages of Whisper, which whisper and wizper share (docs/fal.md section 14.1).
LANGUAGES = listed(
    """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is
    it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk
    sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh
    """
)


def own_code(endpoint_id: str, text: str, codes: Sequence[str], also: Mapping[str, str] | None = None) -> str | None:
    """The model's own code for a language; None for `auto`.

    The user may give the model's code in any case, or the language's code in two or three letters: the first of the
    model's codes for that language is then taken, unless `also` says otherwise. Raises `ConfigurationError` that names
    near matches for anything else; a region that the model does not list is not dropped in silence.
    """
    given = text.strip().lower().replace("_", "-")
    if given == AUTO:
        return None
    exact = {code.lower(): code for code in codes}
    if given in exact:
        return exact[given]
    language = iso_code(given)
    by_language = {iso_code(code): code for code in reversed(codes)} | dict(also or {})
    if len(given) in _CODE_LENGTHS and language in by_language:
        return by_language[language]
    near = get_close_matches(given, list(exact), n=3, cutoff=0.6)
    if language in by_language:  # de-DE, german
        near = [by_language[language], *(code for code in near if code != by_language[language])]
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Give a code such as {codes[0]} or {codes[-1]}."
    raise ConfigurationError(
        f"{endpoint_id} knows no language {text[:40]!r}. {hint} nightscribe models {endpoint_id} lists them.",
        reason="bad_language",
    )
