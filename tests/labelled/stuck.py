"""Models that got stuck: loops, and what they say about silence."""

from __future__ import annotations

from labelled.building import TEXTS, Case, bad, every, heard, later, said, spoken

from pipeline.models import Segment


def _silence(name: str, language: str, phrase: str, *, minutes: float = 3, seconds: float = 30) -> Case:
    """A recording without speech, in which the model says the same every half a minute."""
    segments = every(seconds, phrase, int(minutes * 60 / seconds))
    return bad(f"silence {name}", heard(segments, language, duration_s=minutes * 60), "boilerplate", "few_words loop")


def _before(text: str, phrase: str, count: int) -> str:
    return f"{text} {phrase * count}"


LOOPS = [
    bad("loop of a sentence", said(_before(TEXTS["en_news"], "I'm going to go to the next one. ", 25)), "loop"),
    bad("loop of a word", said(_before(TEXTS["en_story"], "you ", 90)), "loop"),
    bad("loop of two words", said(_before(TEXTS["en_interview"], "and then, ", 40)), "loop"),
    bad("loop german", said(_before(TEXTS["de_history"], "Und das ist auch so. ", 20), "de"), "loop"),
    bad("loop french", said(_before(TEXTS["fr_cuisine"], "C'est pas possible. ", 30), "fr"), "loop"),
    bad("loop russian", said(_before(TEXTS["ru_poezd"], "Это не так просто. ", 16), "ru"), "loop"),
    bad("loop spanish", said(_before(TEXTS["es_futbol"], "y a la vez ", 60), "es"), "loop"),
    bad("loop chinese", said(_before(TEXTS["zh_keji"], "对", 120), "zh"), "loop"),
    bad("loop chinese phrase", said(_before(TEXTS["zh_chadian"], "我不知道，", 30), "zh"), "loop"),  # noqa: RUF001
    bad("loop japanese", said(_before(TEXTS["ja_eki"], "そうですね、", 40), "ja"), "loop"),
    bad("loop korean", said(_before(TEXTS["ko_sijang"], "그래서 제가 ", 40), "ko"), "loop"),
    bad("loop arabic", said(_before(TEXTS["ar_bahr"], "الله أكبر ", 60), "ar"), "loop"),
    bad("loop thai", said(_before(TEXTS["th_talat"], "ก็คือ", 90), "th"), "loop"),
    bad(
        "loop of a long sentence",
        said(
            _before(
                "",
                "He sat by the window in the old house and he thought about the "
                "thing that she had told him before she went away. ",
                12,
            )
        ),
        "loop",
    ),
    bad(
        "loop of ten words, six times",
        said(_before(TEXTS["en_news"], "and so we have to look at it once more. ", 6)),
        "loop",
    ),
    bad("loop without times", said(_before(TEXTS["en_news"], "We'll be right back. ", 40), segments=()), "loop"),
    bad("loop at the start", said("Okay, so. " * 50 + TEXTS["en_science"]), "loop"),
    bad(
        "loop that alternates",
        said(
            " ".join(
                f"{['Yes, it is.', 'No, it is not.', 'I think so, too.'][number * number % 3]}" for number in range(120)
            )
        ),
        "loop",
    ),
    bad(
        "loop with a counter",
        said(" ".join(f"And this is number {number} of the list." for number in range(90))),
        "loop",
    ),
    bad(
        "loop too fast to be said",
        said(_before(TEXTS["en_story"], "so that we can see ", 80), rate=420),
        "loop many_words",
    ),
]
SILENCE = [
    _silence("thank you", "en", "Thank you."),
    _silence("you", "en", "you"),
    _silence("watching", "en", "Thanks for watching!"),
    _silence("subscribe", "en", "Don't forget to like and subscribe to my channel."),
    _silence("subtitles", "en", "Subtitles by the Amara.org community"),
    _silence("zdf", "de", "Untertitelung des ZDF für funk, 2017"),
    _silence("swr", "de", "SWR 2020"),
    _silence("zuschauen", "de", "Vielen Dank fürs Zuschauen!"),
    _silence("radio-canada", "fr", "Sous-titrage Société Radio-Canada"),
    _silence("amara fr", "fr", "Sous-titres réalisés para la communauté d'Amara.org"),
    _silence("amara es", "es", "Subtítulos realizados por la comunidad de Amara.org"),
    _silence("amara it", "it", "Sottotitoli creati dalla comunità Amara.org"),
    _silence("assistir", "pt", "Obrigado por assistir!"),
    _silence("ondertitels", "nl", "Ondertitels ingediend door de Amara.org gemeenschap"),
    _silence("dimatorzok", "ru", "Субтитры сделал DimaTorzok"),
    _silence("prodolzhenie", "ru", "Продолжение следует..."),
    _silence("zh watching", "zh", "谢谢观看"),
    _silence("zh mingjing", "zh", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"),
    _silence("ja watching", "ja", "ご視聴ありがとうございました"),
    _silence("ko watching", "ko", "시청해주셔서 감사합니다"),
    _silence("tr altyazi", "tr", "Altyazı M.K."),  # noqa: RUF001
    _silence("ar channel", "ar", "اشتركوا في القناة"),
    _silence("hungarian", "hu", "Köszönöm, hogy megnézted a videót!"),
    bad(
        "silence with one credit",
        heard([Segment(start=0, end=30, text="Thanks for watching!")], duration_s=45.0),
        "boilerplate",
        "few_words",
    ),
    bad(
        "silence with thanks and music",
        heard(every(20, "Thank you. Thank you very much. Bye.", 9), duration_s=180.0),
        "boilerplate",
        "few_words loop",
    ),
    bad(
        "credits all over a talk",
        heard(
            [
                segment
                for pair in zip(
                    spoken(TEXTS["en_news"]),
                    later(every(9, "Subtitles by the Amara.org community", 9), 3),
                    strict=False,
                )
                for segment in pair
            ]
        ),
        "boilerplate",
        "loop",
    ),
    bad("twenty minutes of nothing", heard([], "en", duration_s=1200.0), "silent"),
    bad("two hours of nothing", heard([], None, duration_s=7200.0), "silent"),
]
