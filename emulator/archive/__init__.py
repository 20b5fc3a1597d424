"""The sample archive: real speech in the public domain as the objects of a small podcast archive, with the truth.

`clips/` and `references.json` are vendored (LICENCES.md tells their source). Nothing here talks to S3 or to fal.
"""

from emulator.archive.build import build
from emulator.archive.crowd import small_objects
from emulator.archive.episodes import EPISODES, Episode, Expected

__all__ = ["EPISODES", "Episode", "Expected", "build", "small_objects"]
