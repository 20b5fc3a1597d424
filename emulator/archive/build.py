"""Makes the bytes of each object of the sample archive. Slow parts (encoding) happen here and nowhere else."""

from __future__ import annotations

from emulator.archive.clips import original, samples, silence
from emulator.archive.encoding import Encoding, encode
from emulator.archive.episodes import PAUSE_S, Damage, Episode

_CUT_SHARE = 0.6  # the index of an .m4a lies at its end, so any cut loses it
_HTML = b"""<!doctype html>
<html lang="en"><head><title>404 Not Found</title></head>
<body><h1>Not Found</h1><p>The episode that you were looking for has moved.</p></body></html>
"""


def build(episode: Episode) -> bytes:
    """The object's bytes; the same each time. At most about a second of CPU, for the longest episode."""
    match episode.damage:
        case Damage.EMPTY:
            return b""
        case Damage.HTML:
            return _HTML
        case Damage.SILENT:
            quiet = silence(episode.duration_s or 0.0, episode.rate_hz)
            return encode(quiet, episode.rate_hz, episode.encoding, episode.title)
        case Damage.CUT:
            whole = _spoken(episode)
            return whole[: round(len(whole) * _CUT_SHARE)]
        case None:
            return _spoken(episode)


def _spoken(episode: Episode) -> bytes:
    if episode.encoding is Encoding.MP3 and len(episode.clips) == 1 and episode.clips[0].startswith("sonnet-"):
        return original(episode.clips[0])  # is an MP3 already; not encoded twice
    pause = silence(PAUSE_S, episode.rate_hz)
    joined = pause.join(samples(name, episode.rate_hz) for name in episode.clips)
    return encode(joined, episode.rate_hz, episode.encoding, episode.title)
