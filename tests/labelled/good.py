"""Transcripts that nobody should doubt: podcasts in many languages, and what is odd and right all the same."""

from __future__ import annotations

import json
from pathlib import Path

from labelled.building import TEXTS, Case, good, heard, later, said, spoken

from pipeline.models import Asked, Segment, Word

_EN = ("en_interview", "en_science", "en_news", "en_story", "en_ramble")
_LANGUAGES = {
    "de": "de_history", "fr": "fr_cuisine", "es": "es_futbol", "it": "it_viaggio", "pt": "pt_mar", "nl": "nl_fiets",
    "sv": "sv_skog", "pl": "pl_miasto", "ru": "ru_poezd", "uk": "uk_sad", "tr": "tr_kahve", "id": "id_pasar",
    "fi": "fi_jarvi", "la": "la_ordo", "cy": "cy_mynydd", "ko": "ko_sijang", "th": "th_talat", "ar": "ar_bahr",
    "hi": "hi_gaon", "el": "el_nisi",
}  # fmt: skip


def _with_speakers() -> list[Segment]:
    return [
        segment.model_copy(update={"speaker": f"SPEAKER_0{number % 2}"})
        for number, segment in enumerate(spoken(TEXTS["en_ramble"]))
    ]


def _with_words() -> list[Segment]:
    segments = []
    for segment in spoken(TEXTS["en_story"]):
        said_words = segment.text.split()
        step = (segment.end - segment.start) / len(said_words)
        words = tuple(
            Word(start=segment.start + at * step, end=segment.start + (at + 1) * step, text=word)
            for at, word in enumerate(said_words)
        )
        segments.append(segment.model_copy(update={"words": words}))
    return segments


def _long() -> list[Segment]:
    """Half an hour: all English texts and then all old ones, with music of two minutes between them."""
    segments = spoken(" ".join(TEXTS[name] for name in _EN))
    for name in ("refrain", "recipe", "farewell"):
        segments += later(spoken(TEXTS[name]), segments[-1].end + 120)
    return segments


def _references() -> list[Case]:
    """What is really said in the sample archive."""
    references = json.loads((Path(__file__).parents[2] / "emulator/archive/references.json").read_text("utf-8"))
    return [
        good(f"reference {name}", said(line["text"], rate=len(line["text"].split()) / line["duration_s"] * 60))
        for name, line in references.items()
    ]


GOOD = [
    *(good(f"podcast {name}", said(name)) for name in _EN),
    *(good(f"podcast {code}", said(name, code)) for code, name in _LANGUAGES.items()),
    *(
        good(f"podcast {code}, asked for", said(name, code, asked=Asked(language=code)))
        for code, name in _LANGUAGES.items()
    ),
    good("podcast zh", said("zh_chadian", "zh")),
    good("podcast zh 2", said("zh_keji", "zh", asked=Asked(language="zh"))),
    good("podcast ja", said("ja_eki", "ja")),
    good("podcast ja 2", said("ja_ryori", "ja", asked=Asked(language="ja"))),
    good("podcast zh, cantonese tag", said("zh_chadian", "zh-HK", asked=Asked(language="zh"))),
    good("german with english in it", said("de_english", "de", asked=Asked(language="de"))),
    good("language told by its name", said("de_history", "german", asked=Asked(language="de"))),
    good("language told in three letters", said("en_news", "eng", asked=Asked(language="en-GB"))),
    good("translated from german", said("en_news", "de", asked=Asked(language="de", task="translate"))),
    good("no language known", said("fr_cuisine", None)),
    *_references(),
    good("fast talker", said("en_ramble", rate=265)),
    good("very fast talker", said("en_interview", rate=285)),
    good("slow reader", said("en_story", rate=80)),
    good("meditation", said("en_story", rate=48)),
    good("fast chinese", said("zh_keji", "zh", rate=420)),
    good("fast japanese", said("ja_eki", "ja", rate=480)),
    good("slow japanese", said("ja_ryori", "ja", rate=130)),
    good("half an hour with music", heard(_long(), rest_s=90)),
    good("long music at the end", heard(spoken(" ".join(TEXTS[name] for name in _EN)), rest_s=100)),
    good("cold open after music", heard(later(spoken(TEXTS["en_news"]), 75), rest_s=20)),
    good(
        "a song of three minutes in the middle",
        heard(spoken(TEXTS["en_news"]) + later(spoken(TEXTS["en_science"]), 60 + 170)),
    ),
    good("speakers asked for", heard(_with_speakers(), asked=Asked(diarize=True, speakers=2))),
    good("words asked for", heard(_with_words(), asked=Asked(words=True))),
    good("a model without times", said("en_news", segments=())),
    good("a model without times, long", said(" ".join(TEXTS[name] for name in _EN), segments=())),
    good("last end missing", said("de_history", "de", repairs=("end_missing:1",))),
    good("rounded up to the window", said("en_news", repairs=("past_end:1", "zero_length:2"))),
    good("short clip: thank you", heard([Segment(start=0, end=2, text="Thank you.")])),
    good("short clip: bye", heard([Segment(start=0, end=1, text="Bye.")])),
    good("short clip: you", heard([Segment(start=0.2, end=0.9, text="You?")], rest_s=3)),
    good("short clip: danke", heard([Segment(start=0, end=4, text="Vielen Dank. Tschüss.")], "de", rest_s=8)),
    good("short clip: one word in german", heard([Segment(start=0, end=2, text="Achtung")], "de")),
    good("silence of two minutes", heard([], None, duration_s=120.0)),
    good("silence of five minutes", heard([], "en", duration_s=300.0)),
    good("a farewell that says all the phrases", said("farewell")),
    good("farewell after the news", said(f"{TEXTS['en_news']} {TEXTS['farewell']}")),
    good("row your boat", said("boat")),
    good("old macdonald", said("macdonald")),
    good("poem with a refrain", said("refrain")),
    good("frère jacques", said("jacques", "fr")),
    good("alouette", said("alouette", "fr")),
    good("la la la", said(f"{TEXTS['en_interview']} La la la la la la la la la la la la. {TEXTS['farewell']}")),
    good(
        "laughter",
        said(f"{TEXTS['en_ramble']} Ha ha ha ha ha ha ha ha ha ha ha ha ha ha. Oh dear. {TEXTS['en_story']}"),
    ),
    good("no no no", said(f"No, no, no, no, no, no, no, no, no! {TEXTS['en_ramble']}")),
    good("crowd", said("crowd")),
    good("rosary, three times", said(TEXTS["hail_mary"] * 3)),
    good("rosary, a decade of ten", said(TEXTS["hail_mary"] * 10)),
    good("breathing exercise, six times", said(TEXTS["breathing"] * 6 + TEXTS["en_story"], rate=60)),
    good("breathing exercise, twelve times", said(TEXTS["breathing"] * 12 + TEXTS["en_story"], rate=60)),
    good(
        "counting to eight, four times",
        said("いち、に、さん、し、ご、ろく、しち、はち。" * 4 + TEXTS["ja_ryori"], "ja"),
    ),
    good(
        "advert three times",
        said(" ".join((TEXTS["advert"], TEXTS["en_interview"], TEXTS["advert"], TEXTS["en_science"], TEXTS["advert"]))),
    ),
    good("advert three times in a row", said(TEXTS["advert"] * 3)),
    good("list of names", said("names", rate=90)),
    good("lottery", said("lottery", rate=110)),
    good("recipe", said("recipe")),
    good("language lesson", said("lesson", rate=70)),
    good("alphabet", said(" ".join("abcdefghijklmnopqrstuvwxyz") * 2, rate=60)),
    good("chinese poem", said("床前明月光，疑是地上霜。举头望明月，低头思故乡。" * 2, "zh", rate=120)),  # noqa: RUF001
    good("japanese thanks among others", said(TEXTS["ja_eki"] + "ありがとうございました。", "ja")),
]
