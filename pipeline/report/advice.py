"""What a person does about an object that is no transcript, by its reason; and what a finding means."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from pipeline.errors import NightscribeError
from pipeline.models import Manifest, State
from pipeline.report.troubles import Trouble

_AUDIO = "mend, replace or exclude the audio"
_BY_REASON: Mapping[str, str] = {
    # of the plan, which finds them without asking anybody
    "empty_object": "upload it again; nothing was paid",
    "too_large": "split it, or raise `audio.max_size_bytes`",
    "key_too_long": "use a shorter key: S3 allows 1,024 bytes, and the sidecar's name is longer",
    "excluded": "nothing: a filter leaves it out",
    "over_limit": "nothing: `--limit` was reached, the next run goes on",
    "planned": "nothing: the next run goes on with it",
    "not_transcribed": "nothing: the next run transcribes it",
    # of the preflight and of the models: files that are not what their names say
    "not_audio": _AUDIO,
    "no_audio_stream": _AUDIO,
    "unsupported_audio_format": _AUDIO,
    "audio_duration_too_long": _AUDIO,
    "audio_duration_too_short": _AUDIO,
    "file_too_large": _AUDIO,
}
_PAID = frozenset({"result_expired", "suspect_again"})
"""Reasons for which only a second payment helps."""

FINDINGS: Mapping[str, str] = {
    "loop": "the same phrase again and again",
    "boilerplate": "mostly thanks and credits",
    "other_language": "not in the language that was asked for",
    "gibberish": "hardly a word of any language",
    "few_words": "fewer words than anybody speaks",
    "many_words": "more words than anybody speaks",
    "silent": "no speech in a long recording",
    "gap": "nothing heard for minutes in between",
    "truncated": "ends long before the audio",
    "speakers_missing": "speakers were asked for and are not there",
    "words_missing": "times of words were asked for and are not there",
    "times_missing": "times could not be read",
    "partial": "partial, by the model's own word",
    "times_repaired": "most times had to be guessed",
}
"""What docs/lint.md says of each finding, in a few words."""


def action(reason: str, *, is_permanent: bool = False) -> str:
    """What to do about a reason, as a sentence."""
    elsewhere = "read the message" if is_permanent else "nothing; if it stays, read the message and docs/errors.md"
    said = _BY_REASON.get(reason) or _of_the_tree().get(reason) or elsewhere
    return f"{said[0].upper()}{said[1:]}."


def next_step(trouble: Trouble, manifest: Manifest) -> tuple[str, str | None]:
    """What later runs do about it, and the command, where it takes one."""
    if trouble.state is State.UNCERTAIN:
        return "Each run asks fal's request history again; nothing is paid twice.", None
    if trouble.reason in _PAID:
        return "Only this pays for it again:", f"{_retry_failed(manifest)} --allow-rebill"
    if trouble.is_permanent:
        return "Tried again when the audio was replaced, or with:", _retry_failed(manifest)
    return "The next run tries it again by itself.", None


def _retry_failed(manifest: Manifest) -> str:
    is_default = manifest.output.bucket == manifest.archive.bucket and not manifest.output.prefix
    output = "" if is_default else f" --output {shlex.quote(manifest.output.uri)}"
    return f"nightscribe retry-failed {shlex.quote(manifest.archive.uri)}{output}"


def _of_the_tree() -> dict[str, str]:
    return {kind.default_reason: kind.handling.action for kind in _kinds(NightscribeError)}


def _kinds(kind: type[NightscribeError]) -> Iterator[type[NightscribeError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
