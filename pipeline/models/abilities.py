"""What a speech model can do, as far as it is known: the ground for refusals, and for the table of models."""

from __future__ import annotations

from pipeline.models.archives import Record


class Abilities(Record):
    """The facts about one model of fal (docs/fal.md section 14). What is not known is left empty, and counts as no."""

    languages: tuple[str, ...] = ()
    """The codes that the model itself takes or hears; empty: fal lists none."""
    languages_note: str = ""
    """What there is to know instead of a list, or beside it."""
    detects_language: bool = False
    """Whether it finds the language by itself; if not, the user must say what is spoken."""
    translates: bool = False
    """Into English."""
    timestamps: bool = False
    """Whether the answer says when anything is said."""
    words: bool = False
    """Whether it gives times of single words, always or when asked."""
    speakers: bool = False
    speaker_count: bool = False
    """Whether it can be told how many people speak."""
    prompt: bool = False
    keyterms: bool = False
    is_known_in_part: bool = False
    """Whether its schema has fields that are not known here: arguments under other names are passed on."""
    listed_usd_per_hour: float | None = None
    """The price on fal's page, per hour of audio, before surcharges; None: the page names none."""
    price_note: str = ""
    formats: tuple[str, ...] = ()
    """File formats that fal lists for it; empty: it lists none."""
    longest: str = ""
    """What is known of the longest audio, in words; empty: nothing."""
    notes: tuple[str, ...] = ()
    """Known defects and oddities, a sentence each."""


ABILITIES_AS_OF = "2026-11"
"""When fal's pages were last read for the facts above; prices change often."""
