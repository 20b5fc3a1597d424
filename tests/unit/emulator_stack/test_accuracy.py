"""The word error rate evens out spelling and nothing else."""

import pytest

from emulator.demo.accuracy import measure, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. John Dashwood,", ["mister", "john", "dashwood"]),
        ("cold-hearted", ["cold", "hearted"]),
        ("beauty\N{RIGHT SINGLE QUOTATION MARK}s beauty's", ["beautys", "beautys"]),
        ("1. From", ["one", "from"]),
        ("20 21 19 0", ["twenty", "twenty", "one", "nineteen", "zero"]),
        ("1813", ["1813"]),
        ("  \n", []),
    ],
)
def test_spelling_is_evened_out(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("reference", "transcript", "errors"),
    [
        ("thine own bright eyes", "Thine own, bright eyes!", 0),
        ("thine own bright eyes", "thy own bright eyes", 1),
        ("thine own bright eyes", "thine bright eyes", 1),
        ("thine own bright eyes", "thine very own bright eyes", 1),
        ("thine own bright eyes", "", 4),
    ],
)
def test_every_other_difference_counts(reference, transcript, errors):
    assert measure([(reference, transcript)]).errors == errors


def test_the_overall_rate_weighs_by_words_and_not_by_recordings():
    accuracy = measure([("one", "two"), ("a b c d e f g h i", "a b c d e f g h i")])

    assert accuracy.word_error_rate == pytest.approx(0.1)
