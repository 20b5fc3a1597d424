"""An archive in memory for the render stage, and one pass of the stage over it."""

from __future__ import annotations

import json

import builders
from finished import FinishedArchive
from finished import sidecar as sidecar_key

from pipeline.cancellation import CancellationToken
from pipeline.discover import selection
from pipeline.models import Format
from pipeline.render import Mode, Tally, gathered, render

IS_AUDIO = selection(builders.settings().audio, (), ()).is_audio
EPISODES = ("a/1.mp3", "a/2.mp3", "b 3.wav")
SIDECAR = sidecar_key(EPISODES[0])


def transcribed_archive():
    """Three transcripts, without any derived file."""
    made = FinishedArchive()
    for key in EPISODES:
        made.transcribed(key, text=f"This is {key}.")
    return made


def cases_of(archive, is_wanted=IS_AUDIO):
    output = archive.output
    return gathered(archive.storage.list(output.bucket, output.prefix), output, is_wanted)


def events(archive, cases, *kinds, mode=Mode.CHANGED, cancel=None, storage=None):
    return render(
        storage or archive.storage, cases, archive.output, kinds, mode=mode, cancel=cancel or CancellationToken()
    )


def run(archive, *kinds, mode=Mode.CHANGED, is_wanted=IS_AUDIO):
    """The counts, and the troubles as kind and key."""
    *told, tally = events(archive, cases_of(archive, is_wanted), *(kinds or Format), mode=mode)
    return (
        (tally.transcripts, tally.written, tally.unchanged),
        [(trouble.kind, trouble.key) for trouble in told if not isinstance(trouble, Tally)],
    )


def edit(archive, key=SIDECAR, **changes):
    """Writes a sidecar over as an editor does: other content, no metadata."""
    document = json.loads(archive.body(key)) | changes
    archive.put(key, json.dumps(document).encode())
