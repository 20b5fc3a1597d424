"""What is read of a body: an id and a status, from whatever fal puts around them; and the keys of a JWKS."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhook_vectors import REQUEST_ID, Sender, jwk, ok_body

from pipeline.speech.fal.jwks import keys_in
from pipeline.webhooks.message import read_told
from pipeline.webhooks.signature import RefusedError, Seal

SEAL = Seal(REQUEST_ID, "u", "1", b"")
PUBLIC = Sender().public
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def said(body: bytes) -> str:
    try:
        return read_told(body, SEAL).status
    except RefusedError as error:
        return error.reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "OK"),
        ({"status": "ERROR", "error": "Invalid status code: 422", "payload": {"detail": []}}, "ERROR"),
        ({"payload": None, "payload_error": "not serializable"}, "OK"),
        ({"gateway_request_id": "another-one"}, "OK"),
        ({"status": "COMPLETED"}, "malformed"),
        ({"status": None}, "malformed"),
        ({"request_id": "another-one"}, "other_request"),
        ({"request_id": 7}, "malformed"),
    ],
)
def test_the_bodies_of_fal_and_their_neighbours(changes, expected):
    assert said(ok_body(**changes)) == expected


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"OK"', b"{", b"\xff", ok_body()[:-1], b"[" * 100_000, b'{"status":"OK"}']
)
def test_what_is_no_message_is_refused(body):
    assert said(body) == "malformed"


@given(json_values)
def test_whatever_the_payload_is_it_is_passed_over(payload):
    assert said(ok_body(payload=payload)) == "OK"


def test_the_keys_of_a_jwks_are_found_among_others():
    body = {
        "keys": [
            {"kty": "RSA", "n": "x", "e": "AQAB"},
            jwk(PUBLIC, crv="Ed448"),
            jwk(b"short"),
            jwk(PUBLIC, x="!!!"),
            {"kty": "OKP", "crv": "Ed25519"},
            "no key",
            None,
            jwk(PUBLIC, kid="1", use="sig"),
            jwk(PUBLIC, x=base64.urlsafe_b64encode(PUBLIC).decode()),
        ]
    }

    assert keys_in(json.dumps(body).encode()) == [PUBLIC, PUBLIC]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[[]]}', b"[" * 9999])
def test_what_is_no_jwks_has_no_keys(body):
    assert keys_in(body) == []
