"""Looking for a lost request in fal's history: it is recognised by its URL, across pages and shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from history_rows import AUDIO, BEGAN, ID, OTHER, page, row

from pipeline.models import Recipe
from pipeline.speech.fal.history_page import parse_page


def test_a_lost_request_is_known_by_the_url_it_was_submitted_with(find, shows):
    shows(page(row("cccc", OTHER), row()))

    request = find()

    assert request.request_id == ID
    assert request.endpoint_id == "fal-ai/whisper"
    assert request.submitted_at == BEGAN + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("endpoint_id", "app"),
    [
        ("fal-ai/whisper", "fal-ai/whisper"),
        ("fal-ai/elevenlabs/speech-to-text/scribe-v2", "fal-ai/elevenlabs"),
        ("workflows/acme/transcribe/fast", "workflows/acme/transcribe"),
        ("comfy/acme/graph", "comfy/acme/graph"),
    ],
)
def test_the_urls_of_a_found_request_are_those_of_its_app(find, shows, endpoint_id, app):
    shows(page(row()))

    request = find(with_recipe=Recipe(endpoint_id=endpoint_id, arguments={}))

    url = f"https://queue.fal.run/{app}/requests/{ID}"
    assert (request.status_url, request.response_url, request.cancel_url) == (f"{url}/status", url, f"{url}/cancel")


def test_the_question_names_endpoint_and_time_with_a_margin_for_clocks(find, fal):
    assert find() is None

    (asked,) = fal.asked("history")
    query = {name: values for name, (*values,) in parse_qs(asked.url.query.decode()).items()}
    start, end = (datetime.fromisoformat(query.pop(name)[0]) for name in ("start", "end"))
    assert query == {"endpoint_id": ["fal-ai/whisper"], "expand": ["payloads"], "limit": ["100"]}
    assert start == BEGAN - timedelta(minutes=2)
    assert end > datetime.now(UTC) + timedelta(minutes=1)
    assert asked.url.host == "api.fal.ai"
    assert asked.headers["authorization"] == "Key canary-id:canary-secret"


def test_pages_are_followed_to_the_end(find, fal, shows):
    shows(page(row("a", OTHER), cursor="Mg=="), page(row("b", OTHER), cursor="Mw=="), page(row()))

    assert find().request_id == ID

    cursors = [parse_qs(asked.url.query.decode()).get("cursor") for asked in fal.asked("history")]
    assert cursors == [None, ["Mg=="], ["Mw=="]]


def test_a_found_request_ends_the_search(find, fal, shows):
    shows(page(row(), cursor="Mg=="))

    assert find().request_id == ID
    assert len(fal.asked("history")) == 1


def test_a_request_that_is_known_already_is_passed_over(find, shows):
    shows(page(row("first"), row("second")))

    assert find("first").request_id == "second"
    assert find("first", "second") is None


def test_what_other_jobs_submitted_is_not_ours(find, shows):
    shows(page(row("cccc", OTHER), row("dddd", AUDIO + "x")))

    assert find() is None


TOLERATED = [
    {"results": [row()], "has_more": False},
    {"items": [row()]},
    [row()],
    {"items": [row(json_input='{"audio_url": "' + AUDIO + '"}')], "next_cursor": ""},
    page({"request_id": ID, "json_input": {"audio_url": AUDIO}}),
    page(row(sent_at="yesterday", ended_at=7, status_code="200", duration="long")),
    page(row(endpoint_id="fal-ai", something_new=[1])),
]


@pytest.mark.parametrize("body", TOLERATED, ids=range(len(TOLERATED)))
def test_other_shapes_than_the_documented_one_are_read(find, shows, body):
    shows(body)

    assert find().request_id == ID


def test_without_a_readable_time_the_intents_own_stands_in(find, shows):
    shows(page(row(sent_at=None)))

    assert find().submitted_at == BEGAN


def test_a_row_shows_no_payload_in_its_representation(find, shows):
    """Tests, debuggers and loggers print records."""
    assert "canary" not in repr(parse_page(page(row()), 100))
