"""Models that answer a text and nothing else: Canary and both of Nemotron (docs/fal.md sections 14.3 to 14.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.arguments import Arguments, OpenArguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import listed

_TEXT_ALONE = "It answers a text without times, so there are no segments, and no subtitles."
_ENGLISH = "English is inferred: it takes no language and tells none"


class CanaryArguments(Arguments):
    """The input schema of Canary without `audio_url`."""

    use_pnc: bool = True


class NemotronArguments(Arguments):
    """The input schema of Nemotron without `audio_url`."""

    acceleration: Literal["none", "low", "medium", "high"] = "none"


class NemotronMultilingualArguments(OpenArguments):
    """What is known of its input schema. The language `auto` is its default, and is left out."""

    language: str | None = None
    acceleration: Literal["none", "regular", "high", "full"] = "regular"


class _EnglishModel(KnownModel):
    """Hears everything as English, which the user must therefore have said."""

    language_name = None

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:  # noqa: ARG002  the interface's
        """None: there is nothing to wish for."""
        return {}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:  # noqa: ARG002  the interface's
        """English, or the recipe would not have been made."""
        return Asked(language="en")


class Canary(_EnglishModel):
    """fal-ai/speech-to-text and its /turbo."""

    kind = CanaryArguments
    abilities = Abilities(
        languages=("en",),
        languages_note=_ENGLISH,
        listed_usd_per_hour=2.88,
        formats=("mp3", "ogg", "wav", "m4a", "aac"),
        notes=(_TEXT_ALONE,),
    )


class Nemotron(_EnglishModel):
    """fal-ai/nemotron/asr."""

    kind = NemotronArguments
    abilities = Abilities(
        languages=("en",),
        languages_note=_ENGLISH,
        listed_usd_per_hour=2.88,
        notes=(_TEXT_ALONE,),
    )


class NemotronMultilingual(KnownModel):
    """nvidia/nemotron-asr-multilingual/asr, which knows languages by region."""

    kind = NemotronMultilingualArguments
    # A language without a region takes the first that fal lists for it: en-US, es-US, fr-FR, pt-BR.
    regions: ClassVar[Mapping[str, str]] = {"no": "nb-NO"}  # nine in ten Norwegians write Bokmål
    abilities = Abilities(
        languages=listed(
            """
            en-US en-GB es-US es-ES de-DE fr-FR fr-CA it-IT ar-AR ja-JP ko-KR pt-BR pt-PT ru-RU hi-IN zh-CN vi-VN he-IL
            nl-NL cs-CZ da-DK pl-PL nn-NO nb-NO sv-SE th-TH tr-TR bg-BG el-GR et-EE fi-FI hr-HR hu-HU lt-LT lv-LV ro-RO
            sk-SK uk-UA mt-MT sl-SI
            """
        ),
        languages_note="without a region: en-US, es-US, fr-FR, pt-BR, and nb-NO for no",
        detects_language=True,
        is_known_in_part=True,
        listed_usd_per_hour=0.48,
        notes=(_TEXT_ALONE, "Its answer is not documented; users report that it is that of fal-ai/nemotron/asr."),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:  # noqa: ARG002  the interface's
        """None beside the language."""
        return {}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """The language."""
        return Asked(language=told_language(arguments))
