"""What people see in Flower: one task per episode, with its state and reason, in the API and in a real browser."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from typing import Any

import builders
import httpx
import pytest
from archives import PATIENCE_S, Archive, end, eventually
from browsing import DESK, PHONE
from canaries import SIGNED, Canaries
from sinks import flower_pages

from pipeline.queue.celery import TASK_NAME, make_sender
from pipeline.settings import load_settings

pytestmark = [pytest.mark.e2e]

_MARKUP = "show 000/<img src=x onerror=document.title='harm'>.mp3"
"""The name of an episode, as hostile as a legal key can be."""


@dataclass
class Night:
    """A run that Flower has watched from its first message to its last."""

    archive: Archive
    url: str
    lines: dict[str, str]
    """How each object reads in Flower, by key."""
    unlucky: str
    """The episode whose first request failed on fal's side."""
    refused: str
    """The episode that fal refused, with secrets in its words."""
    bad: str
    """The object that is no audio."""

    def get(self, path: str) -> Any:
        """JSON from Flower."""
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tasks(self) -> dict[str, dict[str, Any]]:
        """What Flower knows, by key."""
        by_line = {task["args"]: task for task in self.get("/api/tasks").values()}
        return {key: by_line[line] for key, line in self.lines.items() if line in by_line}


@pytest.fixture(scope="module")
def night(servers, tmp_path_factory):
    with Archive(servers, tmp_path_factory.mktemp("flower")) as archive:
        # Nobody dies here. With a short lease a busy machine would send a job twice.
        archive.environment["NIGHTSCRIBE_LIMITS_LEASE_S"] = "60"
        episodes = archive.put_episodes(11)
        archive.put(_MARKUP, archive.read(episodes[0]))
        archive.put("show 000/page.mp3", b"<!DOCTYPE html><html>not found</html>" * 30)
        key = archive.environment["FAL_KEY"]
        archive.fault(
            {"on": "process", "key": episodes[3], "times": 1, "do": {"fail": {}}},
            {"on": "submit", "key": episodes[4], "do": {"status": 422, "body": {"detail": f"{key} {SIGNED}"}}},
        )
        sizes = {
            entry["Key"]: entry["Size"] for entry in archive.client.list_objects_v2(Bucket=archive.bucket)["Contents"]
        }
        lines = {
            name: f"{archive.uri}{name} ({size / 1e3:,.0f} kB) with fal-ai/whisper" for name, size in sizes.items()
        }
        url = archive.start_flower("--persistent=True")
        watched = Night(archive, url, lines, episodes[3], episodes[4], "show 000/page.mp3")
        archive.start_worker(NIGHTSCRIBE_RETRY_BASE_S="0.2")
        # Events that are sent before Flower listens are lost to it, so the run begins when it knows the worker.
        eventually(lambda: watched.get("/workers?json=1")["data"], "Flower sees the worker")
        outcome = archive.run("backfill", archive.uri)
        assert outcome.returncode == 1, outcome.stderr
        eventually(lambda: _settled(watched) == 13, "Flower has seen the last event")
        archive.fault()
        yield watched


def test_flower_has_exactly_one_task_for_each_episode_and_says_how_it_ended(night):
    tasks = night.tasks()

    assert len(night.get("/api/tasks")) == 13
    assert set(tasks) == set(night.lines)
    assert {task["name"] for task in tasks.values()} == {TASK_NAME}
    failed = {key: tasks.pop(key) for key in (night.bad, night.refused)}
    assert {task["state"] for task in failed.values()} == {"FAILURE"}
    assert "failed, not_audio: " in failed[night.bad]["exception"]
    assert "REDACTED" in failed[night.refused]["exception"]
    for task in tasks.values():
        assert task["state"] == "SUCCESS", task
        assert task["runtime"] > 0
        assert re.search(r"12 words of \d+ s audio, request [0-9a-f-]{36}", task["result"])


def test_a_retry_is_a_retry_of_the_same_task(night):
    retries = {key: task["retries"] for key, task in night.tasks().items()}

    assert retries.pop(night.unlucky) == 1
    assert set(retries.values()) <= {0, None}


def test_flower_shows_and_changes_nothing(night):
    paths = [
        *("task/revoke/x?terminate=true", "task/abort/x", "task/send-task/transcribe", "task/apply/transcribe"),
        *("task/async-apply/transcribe", "task/timeout/transcribe", "task/rate-limit/transcribe"),
        *("worker/shutdown/x", "worker/pool/restart/x", "worker/pool/grow/x", "worker/pool/shrink/x"),
        *("worker/pool/autoscale/x", "worker/queue/add-consumer/x", "worker/queue/cancel-consumer/x"),
    ]
    with httpx.Client(base_url=f"{night.url}/api/", trust_env=False, timeout=PATIENCE_S) as client:
        answers = {path: client.post(path, json={"args": []}) for path in paths}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 403)
    assert {answer.text for answer in answers.values()} == {"Read only mode is enabled"}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "name"), [(DESK, "flower-desk"), (PHONE, "flower-phone")])
def test_a_browser_shows_a_row_for_each_episode_with_its_reason(night, open_page, picture, width, name):
    page = open_page(f"{night.url}/tasks", width)
    page.wait_for_selector("#tasks-table tbody tr:nth-child(13)")

    rows = page.locator("#tasks-table tbody tr").all_inner_texts()
    for key, line in night.lines.items():
        (row,) = [row for row in rows if line in row]
        assert {night.bad: "FAILURE", night.refused: "FAILURE"}.get(key, "SUCCESS") in row
        assert {night.bad: "failed, not_audio: ", night.refused: "REDACTED"}.get(key, "12 words of ") in row
    assert "harm" not in page.title()
    assert page.locator("#tasks-table img").count() == 0
    picture(page, name)


@pytest.mark.browser
def test_a_browser_shows_the_worker_by_its_name_and_a_task_with_its_reason(night, open_page):
    workers = open_page(f"{night.url}/workers")
    workers.wait_for_selector("text=/w1@/")
    task = open_page(f"{night.url}/task/{night.tasks()[night.bad]['uuid']}")

    assert "not_audio" in task.locator("body").inner_text()
    assert night.lines[night.bad] in task.locator("body").inner_text()


def test_a_message_that_comes_twice_does_not_change_what_flower_says_of_the_first(night):
    settings = load_settings(night.archive.environment).settings
    failed = night.tasks()[night.bad]
    later = "00000000-0000-0000-0000-000000000000"

    with make_sender(settings.redis) as sender:
        for task_id in (failed["uuid"], later):
            before = night.archive.log().count("repeat_ignored")
            payload = builders.job(run_id="a run that is over").model_dump(mode="json")
            options = {"argsrepr": failed["args"] if task_id != later else "later", "queue": settings.queue.name}
            sender.send_task(TASK_NAME, args=(payload,), task_id=task_id, **options)
            eventually(lambda before=before: night.archive.log().count("repeat_ignored") > before, "a slot refused it")
    # Events come in the order in which they were sent.
    eventually(lambda: later in night.get("/api/tasks"), "Flower has heard of the later message")

    now = night.tasks()[night.bad]
    assert (now["state"], now["exception"], now["result"]) == ("FAILURE", failed["exception"], None)
    assert now["started"] > failed["started"]  # it did hear of the repeat


def test_a_flower_that_comes_again_knows_the_night_and_has_kept_no_secret(night):
    before = night.tasks()
    canaries = Canaries(night.archive)
    pages = flower_pages(night.url)

    end(night.archive.processes[0])
    files = [path for path in night.archive.folder.glob("flower*") if path.suffix != ".log"]
    kept = {path.name: path.read_bytes() for path in files}
    night.url = night.archive.start_flower("--persistent=True")

    assert _told(night.tasks()) == _told(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert any(b"not_audio" in content and b"REDACTED" in content for content in kept.values())
    assert canaries.leaks(kept | pages | {"log": night.archive.log("flower.log").encode()}) == []


def _told(tasks: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    names = ("uuid", "state", "retries", "result", "exception", "runtime", "started")
    return {key: [task[name] for name in names] for key, task in tasks.items()}


def _settled(night: Night) -> int:
    return sum(task["state"] in {"SUCCESS", "FAILURE"} for task in night.get("/api/tasks").values())
