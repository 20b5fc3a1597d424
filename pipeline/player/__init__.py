"""A transcript to read and to hear: one page beside an audio player, served on loopback while somebody looks at it.

page      a sidecar as HTML: pure
ranges    which bytes of the recording a request wants: pure
serving   the local server, which hands the page out, and the recording out of S3

The recording comes through the local server, byte range by byte range. A presigned URL would be simpler for us, but
browsers keep what they open in their cache, on disk, and keep asking one that has expired. So none is made (I9).
"""

from pipeline.player.page import Recording, render_page
from pipeline.player.serving import Player, PlayerServer

__all__ = ["Player", "PlayerServer", "Recording", "render_page"]
