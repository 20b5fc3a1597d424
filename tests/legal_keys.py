"""Keys as S3 allows them: any Unicode text of 1 to 1,024 bytes in UTF-8. Strategies for hypothesis, and examples."""

from __future__ import annotations

from hypothesis import strategies as st

MOST_BYTES = 1024

ODD = [
    " ",
    "with space.mp3",
    "per%cent%2F+plus&and=equals.mp3",
    "quotes'\"`.mp3",
    "<Key>&amp;</Key>.mp3",
    "back\\slash\\x1b.mp3",
    "#hash?query.mp3",
    "émoji 🎙️/日本語.mp3",
    "caf\u00e9.mp3",
    "cafe\u0301.mp3",
    "..//a/../b.mp3",
    "//leading.mp3",
    "./..",
    "trailing/",
    "line\nbreak\r\ttab.mp3",
    "\x00\x01\x1b[2J\x7f\x9b.mp3",
    "\u202egnp.3pm\u2066\u2028\u2029.mp3",
    "\ufffe\uffff\U0010ffff.mp3",
    "\ufeff\u200d.mp3",
    "$(id);`id`|*[!a]{b,c}~.mp3",
    '{"key": "x"}',
    "[bold]markup[/].mp3",
    "%s %(key)s {key}",
    "a" * MOST_BYTES,
    "é" * (MOST_BYTES // 2),
    "😀" * (MOST_BYTES // 4),
]

# SeaweedFS takes a backslash for a slash, folds `//`, `.` and `..`, and keeps nothing that cannot be printed; the unit
# tests have all of these.
KEPT_BY_SEAWEEDFS = [
    "with  space.mp3",
    " leading and trailing .mp3",
    "per%cent%2Fplus+and&equals=.mp3",
    "quotes'\"`$(id).mp3",
    "<Key>&amp;</Key>.mp3",
    "#hash?query=1#2.mp3",
    "émoji 🎙️/日本語/ソネット 第二番.mp3",
    "caf\u00e9.mp3",
    "cafe\u0301.mp3",
    "..a/b..c/d.. .mp3",
    "[bold]*{a,b}[!c]~^|;:,@.mp3",
    "-rf --output.mp3",
    "x.mp3.transcript.json.mp3",
]
LONG_IN_PARTS = "/".join(["é" * 100, "長" * 60, "a" * 200, "b" * 200, "c" * 112 + ".mp3"])
"""900 bytes, in names that a file system can hold."""


def cut(text: str, most_bytes: int = MOST_BYTES) -> str:
    """The beginning of a text that has at most so many bytes in UTF-8."""
    return text.encode()[:most_bytes].decode(errors="ignore")


_letters = st.characters(exclude_categories=["Cs"])
# Those that mean something to somebody on the way: XML, JSON, URLs, shells, terminals, Python, SQLite.
_meaning = st.sampled_from("/.%+&=<>'\"\\#?:;*[]{}~ \t\n\r\x00\x1b\x7f\x85\x9b\u2028\u202e\ufeff\uffff😀e\u0301")
_short = st.text(_letters | _meaning, min_size=1, max_size=20)
_long = st.builds(lambda text, most: cut(text * MOST_BYTES, most), _short, st.integers(1, MOST_BYTES)).filter(bool)

legal_keys = st.sampled_from(ODD) | _short | _long
