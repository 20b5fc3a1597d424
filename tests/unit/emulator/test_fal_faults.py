"""Which rule of the fault script fires when."""

import pytest
from pydantic import ValidationError

from emulator.fal.faults import FaultScript


def fired(script, count, stage="status", **about):
    return [script.draw(stage, **about) is not None for _ in range(count)]


def test_a_rule_fires_as_often_as_it_says_after_what_it_skips():
    script = FaultScript(0, [{"on": "status", "skip": 2, "times": 1, "do": "drop"}])

    assert fired(script, 5) == [False, False, True, False, False]


def test_a_share_is_drawn_from_the_seed():
    rules = [{"on": "status", "share": 0.3, "do": "drop"}]

    first = fired(FaultScript(1, rules), 1000)

    assert first == fired(FaultScript(1, rules), 1000)
    assert first != fired(FaultScript(2, rules), 1000)
    assert 250 < sum(first) < 350


def test_the_first_rule_that_fires_decides():
    script = FaultScript(
        0, [{"on": "status", "times": 1, "do": {"status": 500}}, {"on": "status", "do": {"status": 429}}]
    )

    assert [script.draw("status").status for _ in range(3)] == [500, 429, 429]


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({}, True),
        ({"path_contains": "b c.mp3"}, True),
        ({"path_contains": "b%20c.mp3"}, True),
        ({"path_contains": "other"}, False),
        ({"endpoint": "fal-ai/wizper"}, False),
        ({"endpoint": "fal-ai/whisper", "path_contains": "/a/"}, True),
    ],
)
def test_a_rule_matches_the_audio_path_as_sent_or_decoded(match, matches):
    script = FaultScript(0, [{"on": "status", "match": match, "do": "drop"}])

    assert fired(script, 1, endpoint_id="fal-ai/whisper", audio_path="/a/b c.mp3") == [matches]
    assert script.draw("submit", endpoint_id="fal-ai/whisper", audio_path="/a/b c.mp3") is None


def test_a_wrong_script_leaves_the_old_one_in_force():
    script = FaultScript(0, [{"on": "status", "do": "drop"}])

    with pytest.raises(ValidationError):
        script.replace([{"on": "status", "do": {"statuss": 3}}])

    assert fired(script, 1) == [True]
