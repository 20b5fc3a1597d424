"""Slack refuses a whole message for one text that breaks its bounds; whatever keys and messages are, none does."""

from __future__ import annotations

import json

import legal_keys
import pytest
from builders import OUTPUT
from hypothesis import given
from hypothesis import strategies as st
from run_ends import run_end

from pipeline.models import Ending, Place, State, Trouble
from pipeline.notify import slack
from pipeline.printable import printable

TEXTS = st.one_of(
    st.text(max_size=4000), st.sampled_from(["&" * 3000, "<" * 2000, "😀" * 1500, "\n" * 90, "<!channel>"])
)
TROUBLES = st.builds(Trouble, key=TEXTS, state=st.sampled_from(State), reason=TEXTS, message=TEXTS, at=st.none())
ENDS = st.builds(
    lambda ending, troubles, texts, numbers, reasons: run_end(
        ending,
        archive=Place(bucket="podcasts", prefix=texts[0]),
        message=texts[1],
        manifest_uri=f"s3://{texts[2]}",
        report_uri=texts[3],
        run_id=texts[4],
        troubles=tuple(troubles),
        by_reason=reasons,
        done=numbers[0],
        left=numbers[1],
        cost_usd=numbers[2] / 7,
        uncertain=1,
        skipped=2,
        gone=3,
        suspect=4,
        cost_unknown=True,
    ),
    st.sampled_from(Ending),
    st.lists(TROUBLES, max_size=12),
    st.lists(TEXTS, min_size=5, max_size=5),
    st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    st.dictionaries(TEXTS, st.integers(1, 10**9), max_size=12),
)


def utf16_units(text):
    """How JavaScript counts, and perhaps Slack: an emoji is two."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def texts_of(value):
    """Every text object of a message with its place in it."""
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    if isinstance(value, dict):
        here = [value["text"]] if isinstance(value.get("text"), str) else []
        return here + [text for item in value.values() for text in texts_of(item)]
    return []


@given(ENDS)
def test_every_message_keeps_to_the_bounds_of_block_kit(end):
    message = slack.message(end)

    assert json.loads(json.dumps(message)) == message
    assert 1 <= len(message["blocks"]) <= 50
    assert utf16_units(message["text"]) <= 4000
    for block in message["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 1 <= utf16_units(block["text"]["text"]) <= 150
        elif "fields" in block:
            assert 1 <= len(block["fields"]) <= 10
            assert all(1 <= utf16_units(field["text"]) <= 2000 for field in block["fields"])
        else:
            assert 1 <= utf16_units(block["text"]["text"]) <= 3000
            assert block["text"]["text"].strip()


@given(ENDS)
def test_nothing_of_a_key_or_a_message_is_markup_or_half_an_escape(end):
    for text in texts_of(slack.message(end)):
        assert "<" not in text
        assert ">" not in text
        bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in bare
        assert not [sign for sign in text if ord(sign) < 32]


@pytest.mark.parametrize("key", legal_keys.ODD)
def test_every_legal_key_is_named(key):
    trouble = Trouble(key=key, state=State.FAILED, reason="not_audio", message="No audio.")

    (said,) = (
        text for text in texts_of(slack.message(run_end(Ending.FAILED, troubles=(trouble,)))) if "not_audio" in text
    )

    shown = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").removesuffix("…")
    assert f"failed, not_audio: {printable(key)} No audio.".startswith(shown)


def test_a_night_as_people_read_it():
    end = run_end(
        Ending.FAILED,
        failed=2,
        left=3,
        by_reason={"not_audio": 2, "after_deadline": 3},
        audio_s=360_000,
        cost_usd=41.5,
        message="Look at the two.",
        manifest_uri="s3://podcasts/_nightscribe/runs/r/manifest.json",
        report_uri="s3://podcasts/_nightscribe/runs/r/report.html",
        troubles=(Trouble(key="Q & A.mp3", state=State.FAILED, reason="not_audio", message="It is a <page>."),),
    )

    message = slack.message(end)

    assert message["text"] == (
        "Nightscribe: some objects failed, s3://podcasts/: done 1,234, failed 2, left 3, audio 100.0 h, "
        "cost 41.50 USD, took 2.0 h. Look at the two."
    )
    assert texts_of(message)[1:] == [
        "Nightscribe: some objects failed",
        OUTPUT.uri,
        "Look at the two.",
        *("done: 1,234", "failed: 2", "left: 3", "audio: 100.0 h", "cost: 41.50 USD", "took: 2.0 h"),
        "after_deadline 3, not_audio 2",
        "failed, not_audio: Q &amp; A.mp3 It is a &lt;page&gt;.",
        "manifest: s3://podcasts/_nightscribe/runs/r/manifest.json",
        "report: s3://podcasts/_nightscribe/runs/r/report.html",
        "run 20261122T021500Z-1a2b3c",
    ]


def test_a_presigned_url_in_a_message_loses_its_signature():
    said = json.dumps(slack.message(run_end(message="https://s3/ep1?X-Amz-Signature=swordfish&a=1")))

    assert "swordfish" not in said
    assert "REDACTED" in said
