"""Looks into an audio file with PyAV: can it be decoded, and how long is it. Blocking."""

from pathlib import Path

import av

from emulator.fal.engines.base import UndecodableError


def duration_of(file: Path) -> float | None:
    """Seconds by the container's header; None when the header does not say. Raises UndecodableError."""
    try:
        with av.open(str(file)) as container:
            if not container.streams.audio:
                raise UndecodableError("no audio stream")
            stream = container.streams.audio[0]
            if container.duration is not None:
                return float(container.duration / av.time_base)
            if stream.duration is not None and stream.time_base is not None:
                return float(stream.duration * stream.time_base)
            return None
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableError(str(error)) from error
