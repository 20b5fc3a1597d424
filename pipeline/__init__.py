"""Nightscribe's pipeline: five stages over small interfaces.

Nothing here knows of tasks or workers (the queue door excepted) or of the emulator. Read `models`, then
`errors`, then the stages in the order of the flow: discover, plan, submit, transcribe, manifest.
"""

__version__ = "0.1.0"
