"""News of a night's end: who hears of it (`base`), what they read (`summary`), and two ways to tell it.

    RunEnd ─▶ Notifiers (of which ends?) ─┬─▶ command.py   a program, the summary as JSON on its standard input
                                          └─▶ webhook.py   a URL, Slack's JSON (slack.py)

A night never fails for its messenger: whoever cannot tell returns a sentence that says so, and never raises.
"""

from pipeline.notify.base import Notifier, Notifiers

__all__ = ["Notifier", "Notifiers"]
