"""The Redis user of docs/security.md: a whole run works with its rights, and its rights are what a run uses."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from archives import PATIENCE_S, end, eventually

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]
_PAGE = Path(__file__).parents[2] / "docs" / "security.md"
_RULES = re.compile(r"(?m)^ACL SETUSER nightscribe on >PASSWORD ((?:.|\\\n)*?)\n```")
# Not in every run: kombu when a client is cut off or a connection breaks, webhooks (pipeline/runs/notice_post.lua), and
# scripts that the server of this test process knows already from the tests before.
_NOT_IN_EVERY_RUN = {"rpop", "unwatch", "xadd", "xread", "pexpireat", "script|load"}


def read_from(url):
    with suppress(OSError), urllib.request.urlopen(url) as answer:  # noqa: S310  loopback
        return answer.read().decode()


def rules():
    return _RULES.search(_PAGE.read_text("utf-8"))[1].replace("\\\n", " ").split()


@pytest.fixture
def restricted(archive):
    """An archive whose processes are the Redis user of the page; the prefix of its keys is that of the test."""
    user, password = archive.bucket, "a-password"
    mine = [rule.replace("nightscribe:", f"{archive.bucket}:") for rule in rules()]
    archive.redis.execute_command("ACL", "SETUSER", user, "on", f">{password}", *mine)
    url = urllib.parse.urlsplit(archive.environment["REDIS_URL"])
    archive.environment["REDIS_URL"] = url._replace(netloc=f"{user}:{password}@{url.netloc}").geturl()
    archive.redis.acl_log_reset()
    yield archive
    archive.redis.acl_deluser(user)


def test_a_run_with_everything_works_with_these_rights_and_uses_them(restricted):
    archive = restricted
    again, held, *_ = archive.put_episodes(5)
    archive.put("bad.mp3", b"")
    archive.fault(
        {"on": "process", "key": again, "times": 1, "do": {"fail": {"detail": "lost"}}},
        {"on": "process", "key": held, "do": {"delay_s": 3.0}},
    )
    archive.environment["NIGHTSCRIBE_RETRY_BASE_S"] = "0.1"
    archive.redis.config_resetstat()
    archive.start_flower()
    first = archive.start_worker("first", slots=3)
    command = archive.start("backfill", archive.uri, "--max-audio-hours", "1")
    eventually(lambda: len(archive.bills_per_key()) >= 3 or archive.in_flight(), "work in hand")
    end(first)  # it hands over what it holds
    second = archive.start_worker("second")
    assert command.wait(PATIENCE_S) == 1, archive.log("command.log")
    said = [archive.run(*words) for words in (("status",), ("limit", "3"), ("limit", "default"))]
    doctor = archive.run("doctor", archive.uri)
    (port,) = free_ports(1)
    archive.start("metrics", archive.uri, "--port", str(port))
    scrape = eventually(lambda: read_from(f"http://127.0.0.1:{port}/metrics"), "the exporter serves")
    assert end(second) == 0

    ours = [line for line in archive.redis.acl_log(200) if line["username"] == archive.bucket]
    assert [(line["reason"], line["object"]) for line in ours] == []
    assert [outcome.returncode for outcome in said] == [0, 0, 0]
    assert doctor.returncode == 0, doctor.stdout
    assert 'nightscribe_up{part="redis"} 1.0' in scrape
    allowed = {rule[1:] for rule in rules() if rule.startswith("+")}
    used = {name.removeprefix("cmdstat_") for name in archive.redis.info("commandstats")}
    assert allowed - used == _NOT_IN_EVERY_RUN - used
