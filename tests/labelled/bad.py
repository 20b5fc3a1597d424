"""Transcripts with faults, as models are known to make them; each says which findings it deserves."""

from __future__ import annotations

import random

from labelled.building import TEXTS, bad, every, heard, later, said, spoken
from labelled.stuck import LOOPS, SILENCE

from pipeline.models import Asked, Segment

_ALL = " ".join(TEXTS[name] for name in ("en_interview", "en_science", "en_news", "en_story"))


def _noise(words: int, letters: str, seed: int) -> str:
    """Words that are none, in sentences."""
    dice = random.Random(seed)
    made = ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(words)]
    return " ".join(word + ("." if number % 9 == 8 else "") for number, word in enumerate(made))


COVERAGE = [
    bad("truncated at two thirds", said(_ALL, rest_s=150), "truncated"),
    bad("truncated after four minutes of forty", said(_ALL, duration_s=2400.0), "truncated", "few_words"),
    bad("truncated short", said("en_news", rest_s=50), "truncated"),
    bad("truncated chinese", said("zh_chadian", "zh", rest_s=100), "truncated"),
    bad("truncated by little", said(_ALL, rest_s=70), "truncated"),
    bad("truncated german", said("de_history", "de", rest_s=200), "truncated", "few_words"),
    bad("hole of five minutes", heard(spoken(_ALL) + later(spoken(TEXTS["en_ramble"]), 300 + 320)), "gap"),
    bad(
        "hole of four minutes",
        heard(spoken(TEXTS["de_history"]) + later(spoken(TEXTS["de_english"]), 320), "de"),
        "gap",
    ),
    bad("hole at the start", heard(later(spoken(_ALL), 260)), "gap"),
    bad("hole of two minutes", heard(spoken(TEXTS["ja_eki"]) + later(spoken(TEXTS["ja_ryori"]), 200), "ja"), "gap"),
    bad(
        "two holes and a truncated end",
        heard(
            spoken(TEXTS["en_news"]) + later(spoken(TEXTS["en_story"]), 300) + later(spoken(TEXTS["en_ramble"]), 600),
            rest_s=300,
        ),
        "gap truncated",
        "few_words",
    ),
    bad(
        "hole of six minutes in french",
        heard(spoken(TEXTS["fr_cuisine"]) + later(spoken(TEXTS["jacques"]), 420), "fr"),
        "gap",
        "few_words",
    ),
    bad("hole of ten minutes in an hour", heard(spoken(_ALL) + later(spoken(_ALL), 1000)), "gap"),
    bad(
        "hole of four minutes in korean",
        heard(spoken(TEXTS["ko_sijang"]) + later(spoken(TEXTS["ko_sijang"]), 300), "ko"),
        "gap",
        "few_words loop",
    ),
    bad("hole of seven minutes at the start", heard(later(spoken(TEXTS["es_futbol"]), 420), "es"), "gap", "few_words"),
    bad("hole of ninety seconds", heard(spoken(TEXTS["en_news"]) + later(spoken(TEXTS["en_story"]), 150)), "gap"),
    bad("truncated after the first minute", said("en_interview", duration_s=1800.0), "truncated", "few_words"),
    bad("truncated italian", said("it_viaggio", "it", rest_s=70), "truncated"),
    bad("truncated hindi", said("hi_gaon", "hi", rest_s=400), "truncated", "few_words"),
]
SPEED = [
    bad(
        "few words",
        heard(
            [
                Segment(start=at, end=at + 5, text=text)
                for at, text in (
                    (10, "So this is the first one."),
                    (70, "And we turn it over."),
                    (140, "Now we wait a bit."),
                    (200, "There it is."),
                )
            ],
            duration_s=230.0,
        ),
        "few_words",
    ),
    bad(
        "few words in german",
        heard(
            [Segment(start=at, end=at + 30, text="Und dann gehen wir weiter.") for at in (0, 60, 120)],
            "de",
            duration_s=160.0,
        ),
        "few_words",
    ),
    bad(
        "few characters",
        heard([Segment(start=at, end=at + 30, text="我们走吧。") for at in (0, 60, 120)], "zh", duration_s=160.0),
        "few_words",
    ),
    bad(
        "few words of japanese",
        heard(
            [Segment(start=at, end=at + 20, text="はい、そうです。") for at in range(0, 200, 40)],
            "ja",
            duration_s=215.0,
        ),
        "few_words",
        "loop",
    ),
    bad(
        "few words in an interview",
        heard([segment for segment in spoken(TEXTS["en_interview"] * 2) if segment.start % 7 < 1], duration_s=230.0),
        "few_words",
        "gap truncated",
    ),
    bad("few words of arabic", heard(every(25, "نعم، هذا صحيح تماما", 8), "ar", duration_s=205.0), "few_words", "loop"),
    bad(
        "many words of spanish",
        said(f"{TEXTS['es_futbol']} {TEXTS['es_futbol']}", "es", rate=420),
        "many_words",
        "loop",
    ),
    bad("many words of english", said(f"{_ALL} {TEXTS['en_ramble']}", rate=370), "many_words"),
    bad(
        "many characters of chinese",
        said(TEXTS["zh_chadian"] + TEXTS["zh_keji"] * 2, "zh", rate=850),
        "many_words",
        "loop",
    ),
    bad("many words", said(_ALL, rate=480), "many_words"),
    bad("many words in russian", said(f"{TEXTS['ru_poezd']} " * 3, "ru", rate=350), "many_words"),
    bad("many characters", said(TEXTS["ja_eki"] + TEXTS["ja_ryori"] * 2, "ja", rate=900), "many_words"),
    bad("many syllables", said(TEXTS["th_talat"] * 3, "th", rate=900), "many_words", "loop"),
]
LANGUAGE = [
    bad("asked de, model says en", said("en_news", "en", asked=Asked(language="de")), "other_language"),
    bad("asked de, text is en", said("en_science", "de", asked=Asked(language="de")), "other_language"),
    bad("asked ja, text is latin", said("en_story", "ja", asked=Asked(language="ja")), "other_language"),
    bad("asked ru, model says uk", said("uk_sad", "uk", asked=Asked(language="ru")), "other_language"),
    bad("asked ru, text is uk", said("uk_sad", "ru", asked=Asked(language="ru")), "other_language"),
    bad("asked es, text is pt", said("pt_mar", "es", asked=Asked(language="es")), "other_language"),
    bad("asked fr, text is nl", said("nl_fiets", "fr", asked=Asked(language="fr")), "other_language"),
    bad("asked nl, text is de", said("de_history", "nl", asked=Asked(language="nl")), "other_language"),
    bad("asked zh, text is ja", said("ja_eki", "zh", asked=Asked(language="zh")), "other_language"),
    bad("asked ko, text is zh", said("zh_keji", "ko", asked=Asked(language="ko")), "other_language"),
    bad("auto, model says en, text is ru", said("ru_poezd", "en"), "other_language"),
    bad("auto, model says de, text is en", said("en_ramble", "de"), "other_language"),
    bad("auto, model says en, text is es", said("es_futbol", "en"), "other_language"),
    bad("auto, model says it, text is en", said("en_interview", "italian"), "other_language"),
    bad("asked pl, text is tr", said("tr_kahve", "pl", asked=Asked(language="pl")), "other_language"),
    bad("asked en, text is welsh", said("cy_mynydd", "en", asked=Asked(language="en")), "other_language", "gibberish"),
    bad("translate, and it is german", said("de_history", "de", asked=Asked(task="translate")), "other_language"),
    bad(
        "translate, and it is arabic",
        said("ar_bahr", "ar", asked=Asked(language="ar", task="translate")),
        "other_language",
    ),
    bad("gibberish latin", said(_noise(120, "bcdfglmnprstaeiou", 1), "en"), "gibberish"),
    bad("gibberish consonants", said(_noise(90, "bcdfghjklmnpqrstvwxz", 2), "de"), "gibberish"),
    bad("gibberish cyrillic", said(_noise(150, "бвгджзклмнпрстфхцчш", 3), "ru"), "gibberish"),
    bad("gibberish spanish", said(_noise(100, "bcdlmnprstaeiou", 4), "es", asked=Asked(language="es")), "gibberish"),
    bad("gibberish portuguese", said(_noise(140, "bcdlmnprstaeiou", 6), "pt", asked=Asked(language="pt")), "gibberish"),
    bad(
        "gibberish of syllables",
        said("ba lu mo ti ra ne po si ka vu " * 3 + _noise(60, "balumotirane", 7), "it"),
        "gibberish",
    ),
    bad("gibberish turkish", said(_noise(80, "bcdfgklmnrstyzaeiou", 8), "tr"), "gibberish"),
    bad("gibberish in finnish", said(_noise(100, "aeiouyklmnprstvh", 5), "fi"), "gibberish"),
]
DELIVERY = [
    bad("no speakers", said("en_ramble", asked=Asked(diarize=True)), "speakers_missing"),
    bad("no speakers, three asked for", said("de_english", "de", asked=Asked(speakers=3)), "speakers_missing"),
    bad("no words", said("en_news", asked=Asked(words=True)), "words_missing"),
    bad("no words, no segments", said("fr_cuisine", "fr", segments=(), asked=Asked(words=True)), "words_missing"),
    bad(
        "nothing that was asked for",
        said("zh_keji", "zh", asked=Asked(words=True, diarize=True)),
        "words_missing speakers_missing",
    ),
    bad("partial", said("en_science", repairs=("partial:1",)), "partial"),
    bad("partial and truncated", said(_ALL, rest_s=600, repairs=("partial",)), "partial truncated", "few_words"),
    bad("times that could not be read", said("en_news", segments=(), repairs=("list_malformed:1",)), "times_missing"),
    bad(
        "items that could not be read",
        said("it_viaggio", "it", segments=(), repairs=("item_malformed:40",)),
        "times_missing",
    ),
    bad("all ends missing", said("en_news", repairs=("end_missing:9",)), "times_repaired"),
    bad(
        "half of the times reversed",
        said("de_history", "de", repairs=("reversed:4", "zero_length:1")),
        "times_repaired",
    ),
    bad("all times missing", said("ru_poezd", "ru", repairs=("start_missing:7", "end_missing:7")), "times_repaired"),
]
BAD = [*LOOPS, *SILENCE, *COVERAGE, *SPEED, *LANGUAGE, *DELIVERY]
