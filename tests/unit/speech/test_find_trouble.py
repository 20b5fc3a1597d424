"""A history that cannot tell, or not now: doubt is never taken for "not there", and nothing secret is said."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from history_rows import AUDIO, ID, OTHER, at, blank, page, row

from pipeline.errors import ConfigurationError, ServiceUnavailableError, ThrottledError, UncertainError
from pipeline.models import Recipe
from pipeline.speech.fal.history import LIMIT, MAX_PAGES, PAGE_TRIES


def failure(find):
    """What the look raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  each test asserts the class itself
        find()
    assert len(caught.value.message) <= 300
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None or "canary" not in repr(caught.value.__cause__)
    return caught.value


UNREADABLE = [
    {"rows": []},
    {"items": "many"},
    {"items": ["a", "b"]},
    '"nothing"',
    {"items": [], "has_more": True},
    {"items": [], "has_more": True, "next_cursor": None},
    {"items": [row("cccc", OTHER)] * LIMIT},
    page({"json_input": {"audio_url": AUDIO}}),
    page(row("../../cancel")),
]


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_history_that_is_not_understood_decides_nothing(find, shows, body):
    shows(body)

    error = failure(find)

    assert (type(error), error.reason) == (UncertainError, "history_unreadable")


@pytest.mark.parametrize(
    "undecided",
    [
        blank(),
        blank(sent_at=None),
        blank(ended_at=None),
        blank(request_id=None),
        row("bbbb", json_input={"task": "transcribe"}),
        row("bbbb", json_input={"audio_url": None}),
        row("bbbb", json_input="not json"),
    ],
    ids=range(7),
)
def test_a_request_whose_input_is_not_stored_could_be_ours(find, shows, undecided):
    shows(page(undecided, row("cccc", OTHER)))

    error = failure(find)

    assert (type(error), error.reason) == (UncertainError, "history_unreadable")


def test_a_match_counts_whatever_else_is_not_stored(find, shows):
    shows(page(blank(), row()))

    assert find().request_id == ID


def test_a_known_request_without_input_decides_nothing_and_harms_nothing(find, shows):
    shows(page(blank()))

    assert find("bbbb") is None


def test_a_request_from_before_the_submission_cannot_be_ours(find, shows):
    shows(page(blank(sent_at=at(minutes=-3)), blank(sent_at=at(days=-1))))

    assert find() is None


@pytest.mark.parametrize("ended", ["not yet", "just now"])
def test_an_input_may_still_be_stored_so_it_is_asked_again(find, shows, ended):
    just_now = datetime.now(UTC) - timedelta(seconds=1)
    new = {"ended_at": just_now.isoformat()} if ended == "just now" else {"ended_at": None, "status_code": None}
    shows(page(blank(**new)))

    error = failure(find)

    assert (type(error), error.reason) == (ServiceUnavailableError, "history_incomplete")


def test_an_input_that_will_never_be_stored_is_not_waited_for(find, shows):
    shows(page(blank(ended_at=None, status_code=None), blank()))

    assert failure(find).reason == "history_unreadable"


def test_pages_without_end_are_given_up(find, fal, reply):
    numbers = iter(range(10_000))

    async def another(_):
        return reply(200, page(cursor=str(next(numbers))))

    fal.play("history", another)

    error = failure(find)

    assert (type(error), error.reason) == (UncertainError, "history_unreadable")
    assert len(fal.asked("history")) == MAX_PAGES


def test_a_process_holds_one_page_at_a_time(find, fal, reply):
    """A page is some megabytes, and after an outage every slot has a lost request to look for."""
    at_once = []

    async def slowly(_):
        at_once.append(1)
        await asyncio.sleep(0.01)
        assert at_once == [1]
        at_once.pop()
        return reply(200, page())

    fal.play("history", slowly)

    with ThreadPoolExecutor(8) as slots:
        assert list(slots.map(lambda _: find(), range(8))) == [None] * 8


def test_pages_in_a_circle_are_given_up(find, fal, shows):
    shows(page(cursor="a"), page(cursor="b"), page(cursor="a"))

    assert failure(find).reason == "history_unreadable"
    assert len(fal.asked("history")) == 3


def platform_error(kind="x"):
    """An error in the platform API's own form, which quotes what it should not."""
    return {"error": {"type": kind, "message": f"no: {AUDIO} Key canary-id:canary-secret", "docs_url": "", "id": ""}}


REFUSALS = [
    (400, platform_error("validation_error"), UncertainError, "history_unreadable"),
    (401, platform_error("authorization_error"), UncertainError, "history_unreadable"),
    (402, None, UncertainError, "history_unreadable"),
    (403, platform_error("authorization_error"), UncertainError, "history_unreadable"),
    (404, {"detail": "no such page"}, UncertainError, "history_unreadable"),
    (302, None, UncertainError, "history_unreadable"),
    (429, platform_error("rate_limited"), ThrottledError, "throttled"),
    (408, None, ServiceUnavailableError, "service_unavailable"),
    (500, platform_error("api_error"), ServiceUnavailableError, "service_unavailable"),
    (503, "<html>nginx</html>", ServiceUnavailableError, "service_unavailable"),
    (200, '{"items": [{"json_input": {"audio_url": "' + AUDIO, ServiceUnavailableError, "unreadable_history"),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), REFUSALS)
def test_each_refusal_of_the_history_has_one_meaning(find, fal, reply, status, body, kind, reason):
    fal.play("history", reply(status, body))

    error = failure(find)

    assert (type(error), error.reason) == (kind, reason)
    assert len(fal.asked("history")) == (1 if kind is UncertainError else PAGE_TRIES)


def test_a_page_that_fails_is_asked_for_again_and_the_search_goes_on(find, fal, reply):
    """A search of dozens of pages that began anew at each failure would never come to its end."""
    fal.play("history", reply(503, "nginx"), reply(200, '{"items": [{"json_input'), reply(200, page()))

    assert find() is None
    assert len(fal.asked("history")) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_the_history_says_how_long_to_wait(find, fal, reply, status):
    fal.play("history", reply(status, None, retry_after="11"))

    assert failure(find).delay_s == 11.0


def test_what_the_platform_says_is_passed_on(find, fal, reply):
    fal.play("history", reply(403, {"error": {"type": "forbidden", "message": "needs the admin scope"}}))

    assert "HTTP 403 forbidden needs the admin scope" in failure(find).message


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("slow"), httpx.ConnectError("down"), httpx.RemoteProtocolError("cut"), OSError("tls")]
)
def test_a_history_that_does_not_answer_is_asked_again_later(find, fal, lost):
    fal.play("history", lost)

    assert type(failure(find)) is ServiceUnavailableError
    assert {request.url.host for request in fal.requests} == {"api.fal.ai"}


@pytest.mark.parametrize(
    "changes",
    [{"platform_url": ""}, {"queue_url": "http://127.0.0.1:9", "backup_url": ""}],
    ids=["turned off", "fal's platform beside a queue that is not fal's"],
)
def test_without_a_history_of_the_same_service_nobody_is_asked(make, find, fal, changes):
    """The key of a trial run never goes to fal."""
    error = failure(lambda: find(by=make(**changes)))

    assert (type(error), error.reason) == (UncertainError, "history_unreadable")
    assert fal.requests == []


def test_an_emulators_history_is_asked_at_its_own_address(make, find, fal):
    local = make(queue_url="http://127.0.0.1:9", backup_url="", platform_url="http://127.0.0.1:9")

    assert find(by=local) is None
    assert fal.requests[0].url.port == 9


def test_a_senseless_endpoint_id_is_refused_before_anybody_is_asked(find, fal):
    with pytest.raises(ConfigurationError):
        find(with_recipe=Recipe(endpoint_id="whisper", arguments={}))
    assert fal.requests == []
