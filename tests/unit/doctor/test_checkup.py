"""A checkup: each check bounded and by itself, no secret in what it finds."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from pipeline.doctor import Check, Once, Verdict, checkup, failed, not_checked, ok, warning
from pipeline.errors import ConfigurationError, ServiceUnavailableError


def raising(error):
    def look():
        raise error

    return look


def verdicts(*lanes, within_s=30.0):
    return {finding.name: finding.verdict.value for finding in checkup(lanes, within_s=within_s)}


def test_what_fails_harms_no_other_check():
    lane = [
        Check("ours", raising(ZeroDivisionError())),
        Check("theirs", raising(ServiceUnavailableError("S3 did not answer."))),
        Check("well", lambda: ok("All is well.")),
    ]

    assert verdicts(lane, [Check("beside", lambda: warning("Hm.", "Look."))]) == {
        "ours": "failed",
        "theirs": "failed",
        "well": "ok",
        "beside": "warning",
    }


@pytest.mark.parametrize("before", [failed("no"), not_checked("no")])
def test_what_rests_on_a_failed_check_is_not_asked(before):
    lane = [
        Check("a", lambda: before),
        Check("b", raising(AssertionError("asked")), after="a"),
        Check("c", lambda: ok("")),
    ]

    assert verdicts(lane)["b"] == "not checked"
    assert verdicts(lane)["c"] == "ok"


def test_a_warning_stops_nobody():
    lane = [Check("a", lambda: warning("hm", "look")), Check("b", lambda: ok("fine"), after="a")]

    assert verdicts(lane)["b"] == "ok"


def test_a_check_that_does_not_end_is_left_behind():
    never = threading.Event()
    lane = [Check("hangs", lambda: ok(str(never.wait()))), Check("next", lambda: ok("reached"))]

    (hangs, after) = checkup([lane], within_s=0.05)

    never.set()
    assert (hangs.verdict, after.verdict) == (Verdict.FAILED, Verdict.OK)
    assert "no answer within 0.05 s" in hangs.saw


def test_an_error_keeps_its_message_and_gets_the_advice_of_its_check():
    (found,) = checkup([[Check("a", raising(ConfigurationError("It is refused.")), "Allow it.")]], within_s=30)

    assert (found.saw, found.advice) == ("It is refused.", "Allow it.")


def test_no_secret_is_in_what_is_found():
    url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef&X-Amz-Expires=60"
    lane = [
        Check("a", raising(ServiceUnavailableError(f"{url} did not open."))),
        Check("b", lambda: failed("", f"See {url}")),
    ]

    assert not [finding for finding in checkup([lane], within_s=30) if "0123456789abcdef" in repr(finding)]


def test_what_is_asked_by_several_is_made_once_and_its_error_told_to_all():
    made = []
    once = Once(lambda: made.append(1) or "thing")
    assert (once(), once(), len(made)) == ("thing", "thing", 1)

    broken = Once(raising(ConfigurationError("no")))
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            broken()


def test_nobody_waits_for_lanes_that_hang_once_the_user_has_given_up():
    program = """
import os, signal, threading
from pipeline.doctor import Check, checkup
def look():
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
checkup([[Check("hangs", look), Check("hangs too", look)]], within_s=3600)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == -signal.SIGINT
