"""Stage beside the flow: the derived files of a whole archive, made or made again from its sidecars, without fal.

    listing of the results ─▶ Case(sidecar, derived files) ─HEAD what is there, read what has changed─▶ derived files

Audio is not looked at, and no manifest. What is current costs a HEAD, what is missing none; memory stays constant (I6).
"""

from pipeline.render.gathering import Case, gathered
from pipeline.render.rendering import Mode, Tally, Trouble, render

__all__ = ["Case", "Mode", "Tally", "Trouble", "gathered", "render"]
