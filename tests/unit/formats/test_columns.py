"""Where a line may end, and how wide a text is; wcwidth judges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import texts
from wcwidth import wcswidth

from pipeline.formats.columns import columns, pieces
from pipeline.formats.plain import one_line


def broken(text, most=65):
    """The text with a bar wherever a line may end without a space."""
    return "".join(f" {piece.text}" if piece.is_spaced else f"|{piece.text}" for piece in pieces(text, most)).strip()


@given(texts)
def test_no_text_is_wider_than_we_say(text):
    assert wcswidth(one_line(text)) <= columns(one_line(text))


@pytest.mark.parametrize("text", ["hello", "日本語", "e\u0301", "ｆｕｌｌ", "한국어", "👍", "שלום", "x\u200by"])  # noqa: RUF001
def test_the_width_of_plain_texts_is_exact(text):
    assert columns(text) == wcswidth(text)


@given(texts, st.integers(2, 65))
def test_pieces_are_the_text_and_fit_a_line(text, most):
    line = one_line(text)
    made = list(pieces(line, most))

    assert "".join(f" {piece.text}" if piece.is_spaced else piece.text for piece in made).strip() == line
    assert all(piece.columns == columns(piece.text) <= most for piece in made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two words", "two words"),
        ("日本語です。", "日|本|語|で|す。"),
        ("「はい」と言った", "「は|い」|と|言っ|た"),
        ("スーパー", "スー|パー"),
        ("人々", "人々"),
        ("안녕하세요 여러분", "안녕하세요 여러분"),
        ("iPhone版", "iPhone|版"),
        ("👍🏽👨\u200d👩\u200d👧", "👍🏽|👨\u200d👩\u200d👧"),
    ],
)
def test_a_line_may_end_between_characters_of_cjk_but_not_before_closing_marks(text, expected):
    assert broken(text) == expected


def test_a_word_that_is_longer_than_a_line_is_cut_between_what_a_reader_takes_for_a_letter():
    assert broken("abcdefgh", 3) == "abc|def|gh"
    assert broken("🇩🇪🇫🇷", 3) == "🇩🇪|🇫🇷"
    assert broken("e\u0301" * 4, 3) == "e\u0301e\u0301e\u0301|e\u0301"
