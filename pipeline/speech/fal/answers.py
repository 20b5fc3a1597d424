"""Where a model's answer keeps what: its text, its lists, its language. One reader for all families; pure.

The families use different names for the same things, and none uses another's name for something else (docs/fal.md
section 14.12), so that nobody has to say which family an answer is of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.speech.fal.iso639 import iso_code

_TEXTS = ("text", "output")
_LISTS = ("chunks", "segments", "words")
_LANGUAGES = ("language", "language_code", "inferred_languages", "languages")
_NO_LANGUAGE = frozenset(["", "auto", "und", "unknown", "none", "null"])


@dataclass(frozen=True)
class Track:
    """A list of segments, or of words, and the channel of the audio that it is of; None: of all of it."""

    items: JsonValue
    is_words: bool
    channel: str | None = None


def text_of(answer: Mapping[str, JsonValue]) -> str | None:
    """The text, the first that says something; None when there is none at all."""
    texts = [text for name in _TEXTS if isinstance(text := answer.get(name), str)]
    return next((text for text in texts if text.strip()), texts[0] if texts else None)


def language_of(answer: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> str | None:
    """The language by ISO 639: what the model heard, else what it was told; of a list its first."""
    given = [*(answer.get(name) for name in _LANGUAGES), *(arguments.get(name) for name in _LANGUAGES[:2])]
    for candidate in given:
        for value in candidate if isinstance(candidate, list) else [candidate]:
            if isinstance(value, str) and value.strip().lower() not in _NO_LANGUAGE:
                return iso_code(value)
    return None


def tracks_of(answer: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> list[Track]:
    """The lists of the answer: one per channel where channels have words, else the first that holds text."""
    channels = list(_channels(answer.get("channels")))
    if channels:
        return channels
    lists = [name for name in _LISTS if _is_some_list(answer.get(name))]
    name = next((name for name in lists if _holds_text(answer[name])), lists[0] if lists else None)
    if name is None:
        return []
    return [Track(answer[name], name == "words" or _holds_words(answer[name], arguments))]


def _channels(channels: JsonValue) -> Iterator[Track]:
    for number, channel in enumerate(channels if isinstance(channels, list) else []):
        if isinstance(channel, dict) and _holds_text(channel.get("words")):
            yield Track(channel["words"], is_words=True, channel=f"CHANNEL_{number:02d}")


def _is_some_list(value: JsonValue) -> bool:
    """Whether it is a list, or stands where one must; a number is a count of something."""
    return value is not None and not isinstance(value, int | float)


def _holds_text(items: JsonValue) -> bool:
    return isinstance(items, list) and any(_item_text(item) is not None for item in items)


def _holds_words(items: JsonValue, arguments: Mapping[str, JsonValue]) -> bool:
    """Whether chunks are the words that were asked for: a model that has none may answer phrases all the same."""
    if arguments.get("chunk_level") != "word" or not isinstance(items, list):
        return False
    texts = [text for item in items if (text := (_item_text(item) or "").strip())]
    return 2 * sum(len(text.split()) > 1 for text in texts) <= len(texts)


def _item_text(item: JsonValue) -> str | None:
    text = item.get("text", item.get("word")) if isinstance(item, dict) else None
    return text if isinstance(text, str) else None
