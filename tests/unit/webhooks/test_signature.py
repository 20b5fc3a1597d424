"""Whom we believe: fal's own recipe step by step, and nothing that differs from what was signed by a single bit."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st
from webhook_vectors import NOW_S, REQUEST_ID, Sender, ok_body, seed

from pipeline.webhooks.signature import MAX_AGE_S, RefusedError, is_signed, read_seal

VECTOR = (
    "3a8b94fcd8f06cc8d46762c28c1ca3f19f07d24245e63a53e771848bb0608ab5"
    "d5eb6ec5e0735ab649d4555bcb98a8dbe9e035a22d68d46e34ac93888338dc01"
)
BODY = ok_body()
SENDER = Sender()
HEADERS = SENDER.headers(BODY)


def judge(headers, body, keys=(SENDER.public,), now_s=NOW_S):
    """What is said of a message: nothing, or why it is refused."""
    try:
        seal = read_seal(list(headers.items()) if isinstance(headers, dict) else headers, now_s)
    except RefusedError as error:
        return error.reason
    return "" if is_signed(seal, body, keys) else "forged"


def test_a_vector_that_another_implementation_has_made():
    """Signed by OpenSSL (`openssl pkeyutl -sign -rawin`) with the seed 6b6b...6b."""
    body = b'{"request_id":"r-1","status":"OK"}'
    headers = {
        "x-fal-webhook-request-id": "r-1",
        "x-fal-webhook-user-id": "u-1",
        "x-fal-webhook-timestamp": "1790000000",
        "x-fal-webhook-signature": VECTOR,
    }

    assert judge(headers, body) == ""


def test_what_fal_has_signed_is_believed():
    assert judge(HEADERS, BODY) == ""


def test_all_keys_are_tried_for_no_key_id_is_sent():
    retired = Ed25519PrivateKey.from_private_bytes(seed("r")).public_key().public_bytes_raw()

    assert judge(HEADERS, BODY, keys=[retired, b"no key", SENDER.public]) == ""
    assert judge(HEADERS, BODY, keys=[retired]) == "forged"
    assert judge(HEADERS, BODY, keys=[]) == "forged"


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_body_is_noticed(at, difference):
    changed = bytearray(BODY)
    changed[at] ^= difference

    assert judge(HEADERS, bytes(changed)) == "forged"


@given(st.integers(0, len(BODY)), st.binary(min_size=1, max_size=20))
def test_anything_put_in_or_cut_off_is_noticed(at, added):
    assert judge(HEADERS, BODY[:at] + added + BODY[at:]) == "forged"
    assert judge(HEADERS, BODY[: min(at, len(BODY) - 1)]) == "forged"


@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_any_changed_header_is_noticed(name, data):
    true = HEADERS[name]
    at = data.draw(st.integers(0, len(true) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=255).filter(lambda one: one.lower() != true[at]))
    changed = HEADERS | {name: true[:at] + other + true[at + 1 :]}

    assert judge(changed, BODY) in {"forged", "unsigned", "stale"}


@given(st.sampled_from(sorted(HEADERS)), st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=150))
def test_any_other_header_is_refused(name, value):
    assume(value.lower() != HEADERS[name].lower())

    assert judge(HEADERS | {name: value}, BODY) in {"forged", "unsigned", "stale"}


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_header_that_is_missing_or_comes_twice_is_refused(name):
    without = {each: value for each, value in HEADERS.items() if each != name}
    twice = [*HEADERS.items(), (name, HEADERS[name])]

    assert judge(without, BODY) == "unsigned"
    assert judge(twice, BODY) == "unsigned"


@pytest.mark.parametrize(
    ("late_s", "said"),
    [(0, ""), (MAX_AGE_S, ""), (-MAX_AGE_S, ""), (MAX_AGE_S + 1, "stale"), (-MAX_AGE_S - 1, "stale"), (1e9, "stale")],
)
def test_a_copy_is_believed_for_five_minutes_and_no_longer(late_s, said):
    assert judge(HEADERS, BODY, now_s=NOW_S + late_s) == said


@pytest.mark.parametrize(
    "timestamp", ["", "now", "-1", "1e9", " 1790000000", "179000000\u0660", "9" * 30, "1790000000.5"]
)
def test_a_time_stamp_that_is_no_number_of_seconds_is_refused(timestamp):
    assert judge(HEADERS | {"x-fal-webhook-timestamp": timestamp}, BODY) in {"unsigned", "stale"}


@pytest.mark.parametrize("request_id", ["../../v1", "a/b", "a?b", "a b", "", "x" * 200, "ä", "a\n"])
def test_an_id_that_could_mean_something_else_in_a_url_is_refused_though_it_is_signed(request_id):
    body = ok_body(request_id)

    assert judge(SENDER.headers(body, request_id=request_id), body) == "unsigned"


def test_the_order_of_the_parts_matters():
    """A message that swaps them is another message: no part can be moved into its neighbour."""
    body = ok_body()
    headers = SENDER.headers(body, request_id=REQUEST_ID)
    swapped = headers | {
        "x-fal-webhook-request-id": "12345",
        "x-fal-webhook-user-id": headers["x-fal-webhook-request-id"],
    }

    assert judge(swapped, body) == "forged"
