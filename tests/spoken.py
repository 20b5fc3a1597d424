"""Any transcript that obeys its rules (I12), as strategies for hypothesis; some texts mean something to parsers."""

from __future__ import annotations

from hypothesis import strategies as st

from pipeline.models import Segment, Word

NASTY = [
    "a --> b",
    "<i>x</i> & <v y> {\\an8}",
    "1\n\n00:00:01.000 --> then\nfake cue",
    "NOTE this",
    "WEBVTT",
    "STYLE\n::cue {}",
    "1",
    "&amp; &lrm; &#x3c;",
    "日本語の、とても長い文章です。「括弧」も、ー々っもあります。" * 3,
    "안녕하세요 여러분 오늘은 " * 8,
    "مرحبا بكم في بودكاست الليل، " * 6,
    "\u202bשלום\u202c \u2067עולם\u2069 \u200fx",  # noqa: RUF001  Hebrew
    "👨\u200d👩\u200d👧 🇩🇪🇫🇷 👍🏽 ❤\ufe0f e\u0301" * 12,
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ" * 6,
    "https://example.org/" + "a" * 200,
    "word " * 60,
    "One sentence. Another one! And a third, which has clauses; many of them: yes? " * 3,
    "\x00\x1b[31m\x07\x85\u2028\u2029\ufeff\x7f",
    "   \n\t ",
    "",
]
NAMES = [
    None,
    "SPEAKER_00",
    "A > B & <c>",
    "x\ny",
    "Zoë \u202eevil",
    "司会者",
    "A very long name of somebody, M.A. " * 3,
    " ",
]

texts = st.sampled_from(NASTY) | st.text(max_size=300) | st.lists(st.text(max_size=12), max_size=60).map(" ".join)
speakers = st.sampled_from(NAMES)


@st.composite
def _words(draw, text, start_ms, end_ms):
    """The words of a text, spelt out or otherwise, with times in order inside the segment."""
    words = [word for word in draw(st.sampled_from([text, text.upper(), "other words", ""])).split() if word]
    times = sorted(draw(st.lists(st.integers(start_ms, end_ms), min_size=2 * len(words), max_size=2 * len(words))))
    return tuple(
        Word(start=times[2 * number] / 1000, end=times[2 * number + 1] / 1000, text=word)
        for number, word in enumerate(words)
    )


@st.composite
def segments(draw, *, may_cross=False, most=6):
    """Segments in order; with `may_cross` people talk at once, in segments of a second and more."""
    made, now_ms = [], 0
    for text in draw(st.lists(texts, max_size=most)):
        start_ms = now_ms + draw(st.integers(0, 5000))
        end_ms = start_ms + draw(st.integers(1000 if may_cross else 20, 30_000))
        now_ms = draw(st.integers(start_ms, end_ms)) if may_cross else end_ms
        made.append(
            Segment(
                start=start_ms / 1000,
                end=end_ms / 1000,
                text=text,
                speaker=draw(speakers),
                words=draw(st.none() | _words(text, start_ms, end_ms)),
            )
        )
    return made
