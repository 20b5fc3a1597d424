"""What a worker makes of webhooks: a token per attempt, an early look, a lost request found; never a second bill."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import builders
import pytest
import stages

from pipeline import errors
from pipeline.models import Handling, IntentState, State
from pipeline.runs.memory_notices import MemoryNoticeBoard
from pipeline.runs.notices import Notice, Notices
from pipeline.speech.memory import Script
from pipeline.transcribe import Later, Rules
from pipeline.webhooks.app import TOKEN

URL = "https://hooks.example.org/night"
UNREADABLE = errors.UncertainError("the key may not read the history", "history_unreadable")


class House(stages.House):
    """A house whose jobs ask fal to call back, and whose worker hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.board = MemoryNoticeBoard()
        self.webhook_url = URL
        self.job = self.job.model_copy(update={"handling": Handling(wait="webhook")})

    @property
    def tools(self):
        tools = super().tools
        settings = builders.settings()
        settings = settings.model_copy(
            update={"fal": settings.fal.model_copy(update={"webhook_url": self.webhook_url})}
        )
        rules = Rules(settings, tools.rules.worker, tools.rules.jitter)
        return replace(tools, rules=rules, notices=Notices(self.board))

    def lose_the_reply(self, **script) -> None:
        """A request whose reply is lost; what fal did with it the script says."""
        lost = {"submit": errors.UncertainError("lost"), "is_lost_but_accepted": True}
        self.script(Script(**lost | script), Script())
        assert isinstance(self.work(), Later)
        assert self.intent().state is IntentState.INTENDED

    def call_back(self, request_id: str = "request-1", token: str | None = None) -> None:
        """The receiver has verified a webhook."""
        token = token or self.intent().webhook_token
        self.board.post(Notice(token=token, request_id=request_id, status="OK", at=self.now))

    def acts(self, *names: str) -> list[str]:
        return [act for act, _ in self.transcriber.calls if act in names]


@pytest.fixture
def house():
    return House()


def test_the_token_is_in_the_intent_before_the_post_that_carries_it(house):
    seen = []
    house.transcriber.on_submit = lambda: seen.append(house.intent().webhook_token)

    outcome = house.work()

    assert outcome.row.state is State.DONE
    assert house.transcriber.webhook_urls == [f"{URL}/{seen[0]}"]
    assert TOKEN.fullmatch(seen[0])
    assert seen[0].startswith(f"{house.job.job_id}.")
    assert urlsplit(house.transcriber.webhook_urls[0]).path.count("/") == 2
    assert house.acts("listen") == ["listen"]


def test_every_attempt_has_a_token_of_its_own(house):
    house.script(Script(fetch=errors.RequestFailedError("500")), Script())

    assert isinstance(house.work(), Later)
    assert house.work().row.state is State.DONE

    first, second = house.transcriber.webhook_urls
    assert first != second


def test_who_polls_gives_no_address_and_listens_to_nobody(house):
    house.job = house.job.model_copy(update={"handling": Handling()})

    assert house.work().row.state is State.DONE

    assert house.transcriber.webhook_urls == [None]
    assert house.acts("listen") == []


def test_a_worker_that_was_told_no_address_polls(house):
    house.webhook_url = ""

    assert house.work().row.state is State.DONE

    assert house.transcriber.webhook_urls == [None]
    assert house.acts("listen") == []


def test_a_request_that_was_sent_with_a_webhook_is_listened_for_whatever_the_next_run_says(house):
    house.script(Script(wait=errors.ServiceUnavailableError("long")), Script())
    assert isinstance(house.work(), Later)
    house.finish("request-1")

    outcome = house.work(house.job.model_copy(update={"handling": Handling()}))

    assert outcome.row.state is State.DONE
    assert house.acts("submit", "listen") == ["submit", "listen", "listen"]


@pytest.mark.parametrize("history", [None, UNREADABLE, errors.ServiceUnavailableError("away")])
def test_a_lost_request_is_found_by_its_webhook_whatever_the_history_says(house, history):
    house.lose_the_reply(find=history)
    house.call_back()

    outcome = house.work()

    assert (outcome.row.state, outcome.row.request_id) == (State.DONE, "request-1")
    assert len(house.transcriber.submits) == 1
    assert house.acts("find") == []
    assert "adopted" in [line.what for line in house.intent().story]


def test_before_its_webhook_comes_a_lost_request_is_waited_for_as_long_as_for_the_history(house):
    house.lose_the_reply(find=UNREADABLE)
    house.later(minutes=9)

    assert isinstance(house.work(), Later)
    house.call_back()

    assert house.work().row.state is State.DONE


def test_then_it_is_uncertain_and_the_next_run_still_finds_it(house):
    house.lose_the_reply(find=UNREADABLE)
    house.later(minutes=11)
    assert house.work().row.state is State.UNCERTAIN
    house.call_back()
    house.later(hours=20)

    outcome = house.work(house.job.model_copy(update={"run_id": "run2", "prior_attempts": 1}))

    assert outcome.row.state is State.DONE
    assert len(house.transcriber.submits) == 1


def test_a_notice_of_a_request_that_is_not_ours_is_not_believed_and_hides_nothing(house):
    """fal signs for all its customers; somebody who has learned the token could send one of theirs."""
    house.lose_the_reply()
    house.call_back("of-another-customer")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.request_id) == (State.DONE, "request-1")
    assert house.acts("recognise", "find") == ["recognise", "find"]


def test_beside_a_notice_that_is_not_ours_the_true_one_is_found(house):
    house.lose_the_reply(find=UNREADABLE)
    house.call_back("of-another-customer")
    house.call_back("request-1")

    assert house.work().row.request_id == "request-1"


def test_after_a_notice_that_nobody_confirms_nothing_is_ever_paid_again_by_itself(house):
    """Without it, an expired URL and a silent history would free the job."""
    house.lose_the_reply(is_lost_but_accepted=False)
    house.call_back("request-1")
    house.later(hours=24)

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.UNCERTAIN, "notice_unconfirmed")
    assert len(house.transcriber.submits) == 1


def test_while_fal_does_not_answer_about_a_noticed_request_nothing_is_decided(house):
    house.lose_the_reply(recognise=errors.ServiceUnavailableError("away"))
    house.call_back()

    assert isinstance(house.work(), Later)
    house.later(hours=24)
    assert house.work().row.state is State.UNCERTAIN
    assert house.intent().state is IntentState.INTENDED
    assert len(house.transcriber.submits) == 1


def test_the_notice_of_an_earlier_attempt_is_not_taken_for_the_lost_one(house):
    house.script(
        Script(fetch=errors.RequestFailedError("500")),
        Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=False),
    )
    assert isinstance(house.work(), Later)
    first = house.intent().webhook_token
    assert isinstance(house.work(), Later)

    house.call_back("request-1", first)
    house.call_back("request-1")

    assert isinstance(house.work(), Later)
    assert house.intent().request is None


def test_once_the_row_is_handed_in_a_late_notice_is_a_repeat(house):
    house.work()

    late = Notice(token=house.intent().webhook_token, request_id="request-1", status="OK", at=house.now)

    assert not house.board.post(late)
