"""Who hears of what: the settings decide, and no messenger stops another or the night."""

from __future__ import annotations

import pytest
from builders import settings
from run_ends import run_end

from pipeline.errors import ConfigurationError
from pipeline.models import Ending
from pipeline.notify import Notifier, Notifiers
from pipeline.wiring.notify import open_notifier


class Heard(Notifier):
    """Remembers what it was told, and answers or raises as it was made to."""

    def __init__(self, answer=None):
        self.heard = []
        self.answer = answer

    def tell(self, end):
        self.heard.append(end.ending)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_only_chosen_endings_are_told():
    one = Heard()
    notifiers = Notifiers([one], [Ending.FAILED, Ending.BUDGET])

    assert [notifiers.tell(run_end(ending)) for ending in Ending] == [None] * len(Ending)
    assert one.heard == [Ending.FAILED, Ending.BUDGET]


def test_each_is_told_whatever_becomes_of_the_others():
    one, other, third = Heard(RuntimeError("https://hooks/swordfish")), Heard("It was away."), Heard()

    said = Notifiers([one, other, third], Ending).tell(run_end())

    assert [len(heard.heard) for heard in (one, other, third)] == [1, 1, 1]
    assert "It was away." in said
    assert "RuntimeError" in said
    assert "swordfish" not in said


def test_with_nobody_named_nothing_happens():
    assert open_notifier(settings()).tell(run_end()) is None


def test_command_and_webhook_are_both_told():
    both = open_notifier(
        settings(
            NIGHTSCRIBE_NOTIFY_COMMAND="false",
            NIGHTSCRIBE_NOTIFY_WEBHOOK_URL="http://127.0.0.1:9/swordfish",
            NIGHTSCRIBE_NOTIFY_ON="failed",
        )
    )

    said = both.tell(run_end(Ending.FAILED))

    assert "The command of notify.command (false)" in said
    assert "The webhook of notify.webhook_url" in said
    assert "swordfish" not in said
    assert both.tell(run_end(Ending.DONE)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NIGHTSCRIBE_NOTIFY_COMMAND", "mail -s 'night"),
        ("NIGHTSCRIBE_NOTIFY_WEBHOOK_URL", "hooks.slack.com/swordfish"),
        ("NIGHTSCRIBE_NOTIFY_WEBHOOK_URL", "https://hooks.slack.com/sword fish"),
        ("NIGHTSCRIBE_NOTIFY_ON", "done,broken"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_the_night(name, value):
    with pytest.raises(ConfigurationError) as caught:
        settings(**{name: value})

    assert name in caught.value.message
    assert "swordfish" not in caught.value.message
