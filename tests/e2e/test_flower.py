"""What people see in Flower: one task per episode, with its state and reason, in the API and in a real browser."""

from __future__ import annotations

import html
import re
import subprocess
from typing import Any, NamedTuple

import httpx
import pytest
from archives import PATIENCE_S, Archive, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

_BROWSE_WITHIN_S = 60
_BROWSER = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --window-size=1400,900 --virtual-time-budget=6000"
)


class Night(NamedTuple):
    """A run that Flower has watched from its first message to its last."""

    archive: Archive
    url: str
    episodes: list[str]
    unlucky: str
    """The episode whose first request failed on fal's side."""
    bad: str
    """The object that is no audio."""

    def get(self, path: str) -> Any:
        """JSON from Flower."""
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def night(servers, tmp_path_factory):
    with Archive(servers, tmp_path_factory.mktemp("flower")) as archive:
        # Nobody dies here. With a short lease a busy machine sends a job twice, and Flower shows how the repeat ended.
        archive.environment["NIGHTSCRIBE_LIMITS_LEASE_S"] = "60"
        episodes = archive.put_episodes(12)
        archive.put("show 000/page.mp3", b"<!DOCTYPE html><html>not found</html>" * 30)
        archive.fault({"on": "process", "key": episodes[3], "times": 1, "do": {"fail": {}}})
        watched = Night(archive, archive.start_flower(), episodes, episodes[3], "show 000/page.mp3")
        archive.start_worker(NIGHTSCRIBE_RETRY_BASE_S="0.2")
        # Events that are sent before Flower listens are lost to it, so the run begins when it knows the worker.
        eventually(lambda: watched.get("/workers?json=1")["data"], "Flower sees the worker")
        outcome = archive.run("backfill", archive.uri)
        assert outcome.returncode == 1, outcome.stderr
        eventually(lambda: _settled(watched) == 13, "Flower has seen the last event")
        archive.fault()
        yield watched


def test_flower_has_exactly_one_task_for_each_episode_and_says_how_it_ended(night):
    tasks = list(night.get("/api/tasks").values())

    by_args = {task["args"]: task for task in tasks}
    expected = {f"s3://{night.archive.bucket}/{key} with fal-ai/whisper" for key in (*night.episodes, night.bad)}
    assert len(tasks) == 13
    assert set(by_args) == expected
    assert {task["name"] for task in tasks} == {"transcribe"}
    bad = by_args.pop(f"s3://{night.archive.bucket}/{night.bad} with fal-ai/whisper")
    assert bad["state"] == "FAILURE"
    assert "not_audio" in bad["exception"]
    for task in by_args.values():
        assert task["state"] == "SUCCESS", task
        assert task["runtime"] > 0
        assert re.search(r"12 words of \d+ s audio, request [0-9a-f-]{36}", task["result"])


def test_a_retry_is_a_retry_of_the_same_task(night):
    tasks = night.get("/api/tasks").values()

    retries = {task["args"]: task["retries"] for task in tasks}

    unlucky = f"s3://{night.archive.bucket}/{night.unlucky} with fal-ai/whisper"
    assert retries.pop(unlucky) == 1
    assert set(retries.values()) <= {0, None}


def test_a_browser_shows_a_row_for_each_episode_and_the_worker(night, chromium, tmp_path):
    tasks = _browse(chromium, f"{night.url}/tasks", tmp_path)
    workers = _browse(chromium, f"{night.url}/workers", tmp_path)

    shown = set(re.findall(rf"s3://{night.archive.bucket}/[^<]*? with fal-ai/whisper", tasks))
    assert shown == {f"s3://{night.archive.bucket}/{key} with fal-ai/whisper" for key in (*night.episodes, night.bad)}
    assert tasks.count("SUCCESS") >= 12
    assert "FAILURE" in tasks
    assert re.search(r"w1@\S+", workers)
    assert "Online" in workers
    for picture in ("tasks.png", "workers.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def _settled(night: Night) -> int:
    return sum(task["state"] in {"SUCCESS", "FAILURE"} for task in night.get("/api/tasks").values())


def _browse(chromium: str, url: str, folder: Any) -> str:
    """The page as Chromium has rendered it, scripts run; a picture of it lies in the folder."""
    name = url.rsplit("/", 1)[1]
    options = [*_BROWSER.split(), f"--user-data-dir={folder / 'profile'}"]
    page = subprocess.run(
        [chromium, *options, f"--screenshot={folder / f'{name}.png'}", "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=_BROWSE_WITHIN_S,
        check=True,
    )
    return html.unescape(page.stdout)
