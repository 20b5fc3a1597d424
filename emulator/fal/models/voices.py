"""Who speaks. Nothing here tells voices apart: made-up speakers take turns, segment by segment, always the same."""

from collections.abc import Iterator

from emulator.fal.engines.base import Segment, Speech, Word

USUAL_SPEAKERS = 2


def turns(speech: Speech, speakers: int | None = None) -> Iterator[tuple[int, Segment]]:
    """Each segment with its speaker, counted from 0; two speakers unless another number was asked for."""
    for number, segment in enumerate(speech.segments):
        yield number % (speakers or USUAL_SPEAKERS), segment


def spoken_words(speech: Speech) -> Iterator[tuple[int, Word]]:
    """Each word with its speaker. An engine that was not asked for words gives none."""
    for speaker, segment in turns(speech):
        for word in segment.words:
            yield speaker, word
