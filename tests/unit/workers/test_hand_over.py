"""How a night is handed over: until when another worker may take it, and how soon."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from pipeline.cancellation import CancellationToken
from workers import nights
from workers.liveness import Liveness

NOON_EVERY_DAY = {"until": "12:00", "time_zone": "UTC"}


class HandedOverError(Exception):
    """In place of Celery's own, with how the message was sent."""

    def __init__(self, **options):
        super().__init__()
        self.options = options


@pytest.fixture
def end_with(monkeypatch):
    """Ends a night with this code, after its worker was told to stop."""
    worker = SimpleNamespace(
        cancel=CancellationToken(), started=lambda: None, at_night=Liveness(4, 1.0, float).at_night
    )
    worker.cancel.cancel()
    monkeypatch.setattr(nights, "this_worker", lambda: worker)
    qos = SimpleNamespace(decrement_eventually=lambda: None, increment_eventually=lambda: None)
    monkeypatch.setattr(nights, "_consumers", [SimpleNamespace(qos=qos)])
    monkeypatch.setattr(nights.night, "retry", HandedOverError)

    def end(code, **night):
        changed = nights.settings.night.model_copy(update=night)
        monkeypatch.setattr(nights, "settings", nights.settings.model_copy(update={"night": changed}))
        monkeypatch.setattr(nights, "run_front_door", lambda _words, _cancel: (code, ["said"]))
        nights.night.push_request(argsrepr="archives.toml", kwargsrepr="")
        try:
            nights.night.run("archives.toml")
        finally:
            nights.night.pop_request()

    return end


def test_it_may_be_taken_until_its_deadline_and_not_by_day(end_with):
    before = datetime.now(UTC)

    with pytest.raises(HandedOverError) as handed_over:
        end_with(130, **NOON_EVERY_DAY)

    expires = handed_over.value.options["expires"]
    assert before < expires <= before + timedelta(days=1, seconds=60)
    assert (expires.hour, expires.minute) == (12, 0)
    assert handed_over.value.options["countdown"] == 0


def test_without_a_deadline_its_message_lives_as_long_as_beat_has_said(end_with):
    with pytest.raises(HandedOverError) as handed_over:
        end_with(130, until="")

    assert "expires" not in handed_over.value.options


def test_one_that_was_killed_is_taken_when_its_lock_has_run_out(end_with):
    """Before, the next one would be told that another run is active, and call that a success."""
    with pytest.raises(HandedOverError) as handed_over:
        end_with(-signal.SIGKILL, until="")

    assert handed_over.value.options["countdown"] >= nights.settings.run.dispatcher_lease_s


def test_one_whose_deadline_has_passed_is_nobodys(end_with, monkeypatch):
    monkeypatch.setattr(nights, "next_moment", lambda _clock, _zone, after: after)

    with pytest.raises(nights.NightFailedError, match="exit code 130: said"):
        end_with(130, **NOON_EVERY_DAY)
