"""Stage 1: an archive's listing to a stream of audio objects, each with the sidecar seen in the same listing.

    s3://BUCKET/PREFIX ─LIST pages─▶ Stretch (objects, each with its sidecar's ETag or None), in key order

No request per object (I7), constant memory (I6). A long listing is read in several key ranges at once (`ranges`), and
delivered in key order all the same.
"""

from pipeline.discover.pairing import Sighting, discover
from pipeline.discover.selection import Selection, selection

__all__ = ["Selection", "Sighting", "discover", "selection"]
