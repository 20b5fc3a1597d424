"""A sidecar as one HTML page that needs nothing from anywhere but its recording. Pure.

All text is foreign: it is escaped, and each stretch finds its own direction of writing (`dir="auto"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from itertools import groupby
from string import Template

from pipeline.models import Finding, Segment, Sidecar
from pipeline.printable import printable

_COLOURS = 8  # in page.css; more speakers share them, and each has its name
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_S_PER_MIN, _S_PER_H = 60, 3600


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be heard beside the page."""

    is_there: bool = True
    is_as_transcribed: bool = True
    """Whether it is the version that was transcribed; times may not fit another."""


def render_page(sidecar: Sidecar, recording: Recording, *, nonce: str) -> str:
    """The page. Only styles and scripts with this nonce are its own; `audio` is the address of the recording."""
    folder, _, name = printable(sidecar.object.key).rpartition("/")
    language = sidecar.language or ""
    return Template(_file("page.html")).substitute(
        title=escape(name),
        folder=escape(f"s3://{sidecar.object.bucket}/{folder}"),
        facts="".join(f"<li>{escape(fact)}</li>" for fact in _facts(sidecar)),
        notices="".join(_notices(sidecar, recording)),
        player=_file("player.html") if recording.is_there else "",
        lang=f' lang="{language}"' if _LANGUAGE_TAG.fullmatch(language) else "",
        transcript="".join(_transcript(sidecar)),
        nonce=nonce,
        style=_file("page.css"),
        script=_file("page.js"),
    )


def clock(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`: as players show times."""
    whole = int(seconds)
    hours, minutes, rest = whole // _S_PER_H, whole // _S_PER_MIN % _S_PER_MIN, whole % _S_PER_MIN
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _facts(sidecar: Sidecar) -> Iterator[str]:
    yield "length unknown" if sidecar.duration_s is None else clock(sidecar.duration_s)
    yield f"{len(sidecar.text.split()):,} words"
    yield printable(f"language {sidecar.language}" if sidecar.language else "language unknown")
    yield printable(sidecar.recipe.endpoint_id) + (" (second opinion)" if sidecar.stands_for else "")
    yield "cost unknown" if sidecar.cost.usd is None else f"{sidecar.cost.usd:.4f} USD"
    yield f"transcribed {sidecar.written_at:%Y-%m-%d}"


def _notices(sidecar: Sidecar, recording: Recording) -> Iterator[str]:
    if not recording.is_there:
        yield _notice("The recording is no longer in S3: its transcript can be read, but not heard.")
    elif not recording.is_as_transcribed:
        yield _notice("The recording was replaced since it was transcribed: words and times may not fit it.")
    if findings := sidecar.quality.findings:
        rows = "".join(f"<li>{_finding(finding)}</li>" for finding in findings)
        yield f'<section class="notice" id="findings"><h2>What reads wrong here</h2><ul>{rows}</ul></section>'


def _notice(text: str) -> str:
    return f'<section class="notice"><p>{escape(text)}</p></section>'


def _finding(finding: Finding) -> str:
    link = "" if finding.at_s is None else f" {_link(finding.at_s)}"
    return f"<strong>{escape(printable(finding.name))}</strong> {escape(printable(finding.detail))}{link}"


def _link(seconds: float) -> str:
    return f'<a class="time" href="#t={seconds:.2f}">{clock(seconds)}</a>'


def _transcript(sidecar: Sidecar) -> Iterator[str]:
    if not sidecar.text.strip():
        yield '<p class="nothing">No speech was heard in this recording.</p>'
        return
    if not sidecar.segments:
        yield '<p class="nothing">The model told no times: nothing here can be jumped to.</p>'
        for paragraph in sidecar.text.split("\n"):
            yield f'<p dir="auto">{escape(paragraph)}</p>'
        return
    speakers = {name: number for number, name in enumerate(dict.fromkeys(part.speaker for part in sidecar.segments))}
    in_order = sorted(sidecar.segments, key=lambda part: part.start)
    for speaker, turn in groupby(in_order, key=lambda part: part.speaker):
        colour = "" if speaker is None else f" voice{speakers[speaker] % _COLOURS}"
        yield f'<section class="turn{colour}">'
        if speaker is not None:
            yield f"<h3><bdi>{escape(printable(speaker))}</bdi></h3>"
        yield from map(_stretch, turn)
        yield "</section>"


def _stretch(segment: Segment) -> str:
    text = "".join(_words(segment)) if segment.words else escape(segment.text.strip())
    return (
        f'<div class="said" data-start="{segment.start:.3f}" data-end="{segment.end:.3f}">'
        f'{_link(segment.start)}<p dir="auto">{text}</p></div>'
    )


def _words(segment: Segment) -> Iterator[str]:
    """The text of the segment as it stands; each word that is found in it, in order, knows its time."""
    text, done = segment.text.strip(), 0
    timed: Sequence[tuple[str, float]] = [(word.text.strip(), word.start) for word in segment.words or ()]
    for word, start in timed:
        found = text.find(word, done) if word else -1
        if found < 0:
            continue
        yield escape(text[done:found])
        yield f'<span data-start="{start:.3f}">{escape(word)}</span>'
        done = found + len(word)
    yield escape(text[done:])
