"""Nightscribe's pipeline: five stages over small interfaces.

Nothing here knows of tasks or workers (the queue door excepted) or of the emulator. Read `models`, then
`errors`, then the stages in the order of the flow: discover, plan, submit, transcribe, manifest.
"""

import gc

# A command makes some hundred thousand objects while it loads, and they stay. Looking through them for garbage after
# every 700, as Python does, takes a tenth of its start.
gc.set_threshold(20_000)

__version__ = "0.1.0"
SOFTWARE = f"nightscribe/{__version__}"  # how it names itself in sidecars, manifests and to fal
