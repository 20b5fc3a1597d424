"""fal's keys: fetched when first needed, again when none fits, never often, and never used for longer than a day."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from webhook_vectors import NOW_S, Sender, ok_body, seed

from pipeline.errors import ServiceUnavailableError
from pipeline.webhooks.keyring import FETCH_EVERY_S, KEEP_S, KeyRing
from pipeline.webhooks.signature import RefusedError, read_seal

OLD = Sender()
NEW = Sender(Ed25519PrivateKey.from_private_bytes(seed("n")))
BODY = ok_body()


class Fal:
    """Publishes keys, counts who asks, and may be away."""

    def __init__(self, *senders: Sender) -> None:
        self.senders = senders
        self.asked = 0
        self.is_away = False
        self.now_s = 0.0
        self.ring = KeyRing(self.fetch, lambda: self.now_s)

    def fetch(self):
        self.asked += 1
        if self.is_away:
            raise ServiceUnavailableError("away")
        return [sender.public for sender in self.senders]

    def judge(self, sender: Sender) -> str:
        seal = read_seal(list(sender.headers(BODY).items()), NOW_S)
        try:
            self.ring.check(seal, BODY)
        except RefusedError as error:
            return error.reason
        except ServiceUnavailableError:
            return "away"
        return "ok"


def test_keys_are_fetched_once_for_many_messages():
    fal = Fal(OLD)

    assert [fal.judge(OLD) for _ in range(50)] == ["ok"] * 50
    assert fal.asked == 1


def test_a_new_key_is_found_with_the_first_message_that_it_signs():
    fal = Fal(OLD)
    fal.judge(OLD)
    fal.senders = (OLD, NEW)
    fal.now_s += FETCH_EVERY_S

    assert (fal.judge(NEW), fal.judge(OLD), fal.asked) == ("ok", "ok", 2)


def test_a_flood_of_forgeries_is_no_flood_of_questions():
    fal = Fal(OLD)
    fal.judge(OLD)
    fal.now_s += FETCH_EVERY_S

    assert {fal.judge(NEW) for _ in range(100)} == {"forged"}
    assert fal.asked == 2
    assert fal.judge(OLD) == "ok"


def test_after_a_day_keys_are_not_believed_any_more():
    fal = Fal(OLD)
    fal.judge(OLD)
    fal.senders = (NEW,)
    fal.now_s += KEEP_S - 1
    assert fal.judge(OLD) == "ok"

    fal.now_s += 1

    assert (fal.judge(OLD), fal.judge(NEW)) == ("forged", "ok")


def test_while_the_keys_cannot_be_had_nothing_is_called_forged():
    fal = Fal(OLD)
    fal.is_away = True

    assert [fal.judge(OLD) for _ in range(3)] == ["away"] * 3
    assert fal.asked == 1

    fal.is_away = False
    fal.now_s += FETCH_EVERY_S

    assert fal.judge(OLD) == "ok"


def test_known_keys_are_good_for_a_day_also_while_fal_does_not_answer():
    fal = Fal(OLD)
    fal.judge(OLD)
    fal.is_away = True
    fal.now_s += KEEP_S / 2

    assert (fal.judge(NEW), fal.judge(OLD)) == ("away", "ok")


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)])
def test_all_published_keys_count(order):
    fal = Fal(*order)

    assert (fal.judge(OLD), fal.judge(NEW)) == ("ok", "ok")
