"""The emulator calls back as docs/fal.md section 8 says, and misbehaves as told. Verified without code of ours."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

pytestmark = [pytest.mark.integration]

PATIENCE_S = 20.0


class Target(ThreadingHTTPServer):
    """Takes webhooks and answers them with the codes it was given, the last one again and again."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.came = queue.Queue()
        self.codes = [200]

    def next(self):
        """The next webhook: path, headers in lower case, raw body."""
        return self.came.get(timeout=PATIENCE_S)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        code = self.server.codes.pop(0) if len(self.server.codes) > 1 else self.server.codes[0]
        self.server.came.put((self.path, headers, body))
        self.send_response(code)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Says nothing."""


@pytest.fixture
def target():
    server = Target()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def quick_fal(start_fal):
    """Its pauses are a thousand times shorter, and it forgets after seconds."""
    return start_fal("--engine", "scripted", "--service-s", "0.01", "--time-factor", "1000")


@pytest.fixture
def fal(quick_fal):
    quick_fal.http.post("/emulator/reset")
    return quick_fal


@pytest.fixture
def call(fal, target, tone):
    """Submits a request that is to be called back at this path."""

    def submit(path="/job-1", audio=tone):
        return fal.submit(audio, f"fal-ai/whisper?fal_webhook={quote(target.url + path, safe='')}")["request_id"]

    return submit


def is_signed(fal, headers, body) -> bool:
    """The recipe of fal's page, step by step."""
    names = ("request-id", "user-id", "timestamp")
    message = "\n".join([*(headers[f"x-fal-webhook-{name}"] for name in names), hashlib.sha256(body).hexdigest()])
    for jwk in fal.http.get("/.well-known/jwks.json").json()["keys"]:
        key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))
        try:
            key.verify(bytes.fromhex(headers["x-fal-webhook-signature"]), message.encode())
        except InvalidSignature:
            continue
        return True
    return False


def test_the_end_of_a_request_is_told_signed_with_its_output(fal, target, call):
    request_id = call("/job-1")

    path, headers, body = target.next()

    told = json.loads(body)
    assert (path, told["status"], told["request_id"]) == ("/job-1", "OK", request_id)
    assert told["gateway_request_id"]
    assert told["payload"] == fal.http.get(f"/fal-ai/whisper/requests/{request_id}").json()
    assert headers["x-fal-webhook-request-id"] == request_id
    assert is_signed(fal, headers, body)
    assert not is_signed(fal, headers, body + b" ")


def test_a_failure_is_told_with_its_detail(fal, target, call, audio):
    call(audio=f"{audio.url}/bucket/not-there.wav")

    _, headers, body = target.next()

    told = json.loads(body)
    assert (told["status"], told["error"]) == ("ERROR", "Invalid status code: 422")
    assert told["payload"]["detail"][0]["type"] == "file_download_error"
    assert is_signed(fal, headers, body)


def test_an_output_that_cannot_be_told_is_to_be_fetched(fal, target, call):
    fal.faults({"on": "webhook", "do": "payload_error"})
    call()

    _, headers, body = target.next()

    told = json.loads(body)
    assert (told["status"], told["payload"]) == ("OK", None)
    assert told["payload_error"]
    assert is_signed(fal, headers, body)


@pytest.mark.parametrize("refusal", [500, 404, 503])
def test_what_is_refused_is_sent_again(target, call, refusal):
    target.codes = [refusal, refusal, 200]
    request_id = call()

    bodies = [json.loads(target.next()[2]) for _ in range(3)]

    assert [told["request_id"] for told in bodies] == [request_id] * 3


def test_a_redirect_is_final_and_is_not_followed(fal, target, call):
    target.codes = [302, 200]
    redirected = call("/first")
    assert target.next()[0] == "/first"
    call("/second")
    assert target.next()[0] == "/second"

    assert target.came.empty()
    assert [each["request_id"] for each in fal.ledger()["call_backs"]].count(redirected) == 1


def test_who_asks_for_no_call_gets_none_and_no_url_is_refused(fal, target, tone):
    fal.transcribe(tone)
    refused = fal.http.post("/fal-ai/whisper?fal_webhook=nowhere", json={"audio_url": tone})

    assert refused.status_code == 400
    assert fal.ledger()["call_backs"] == []
    assert target.came.empty()


def test_the_faults_of_a_delivery(fal, target, call):
    """One after the other: twice, forged, unsigned, old, cut; each but the first is refused and then sent rightly."""
    seen = {}
    for name, fault, count in [
        ("twice", {"repeat": 1}, 2),
        ("forged", {"forge": True}, 2),
        ("unsigned", {"unsigned": True}, 2),
        ("old", {"age_s": 400}, 2),
        ("cut", {"cut_json": True}, 2),
    ]:
        target.codes = [200] if name == "twice" else [401, 200]
        fal.faults({"on": "webhook", "times": 1, "do": fault})
        call(f"/{name}")
        seen[name] = [target.next() for _ in range(count)]

    first = {name: came[0] for name, came in seen.items()}
    assert seen["twice"][0][2] == seen["twice"][1][2]
    assert not is_signed(fal, *first["forged"][1:])
    assert not any(name.startswith("x-fal-webhook") for name in first["unsigned"][1])
    assert is_signed(fal, *first["old"][1:])
    ages = [int(came[1]["x-fal-webhook-timestamp"]) for came in seen["old"]]
    assert ages[1] - ages[0] >= 400
    assert not is_signed(fal, *first["cut"][1:])
    assert all(is_signed(fal, *came[-1][1:]) for came in seen.values())


def test_a_body_that_breaks_off_is_sent_again(target, call, fal):
    fal.faults({"on": "webhook", "times": 1, "do": "truncate_body"})
    request_id = call()

    broken, whole = target.next()[2], target.next()[2]

    assert 0 < len(broken) < len(whole)
    assert json.loads(whole)["request_id"] == request_id


def test_a_stray_message_is_true_and_of_nobody_here(fal, target, call):
    fal.faults({"on": "webhook", "do": "stray"})
    request_id = call("/job-1")

    stray, ours = target.next(), target.next()

    assert (stray[0] != "/job-1", ours[0]) == (True, "/job-1")
    assert is_signed(fal, *stray[1:])
    assert json.loads(stray[2])["request_id"] != request_id == json.loads(ours[2])["request_id"]


def test_a_dropped_one_never_comes_and_a_late_one_comes_out_of_order(fal, target, call, audio):
    fal.faults(
        {"on": "webhook", "match": {"path_contains": "/dropped/"}, "do": "drop"},
        {"on": "webhook", "match": {"path_contains": "/late/"}, "do": {"hold_s": 0.5}},
    )
    for name in ("dropped", "late", "prompt"):
        call(f"/{name}", audio=f"{audio.url}/{name}/tone.wav")

    assert [target.next()[0] for _ in range(2)] == ["/prompt", "/late"]
    assert target.came.empty()


def test_it_may_come_before_the_reply_to_the_submission(fal, target, call):
    fal.faults({"on": "submit", "do": {"delay_s": 1.0}})
    replied = threading.Event()
    thread = threading.Thread(target=lambda: (call(), replied.set()))
    thread.start()

    target.next()
    was_first = not replied.is_set()
    thread.join()

    assert was_first


def test_private_targets_are_dropped_where_that_is_switched_on(start_fal, target, tone):
    strict = start_fal("--engine", "scripted", "--service-s", "0.01", "--webhooks-refuse-private")
    request = strict.submit(tone, f"fal-ai/whisper?fal_webhook={quote(target.url, safe='')}")
    strict.wait(request)

    assert strict.ledger()["call_backs"] == []
    assert target.came.empty()
