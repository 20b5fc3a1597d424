"""`nightscribe watch` from outside: a real run followed to its end, in JSON, in a pipe, and on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from archives import eventually, says
from jsonschema import Draft202012Validator

from emulator.stack.ports import free_ports
from emulator.stack.redis import RedisServer

pytestmark = [pytest.mark.e2e]

ROOT = Path(__file__).parents[2]
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"  # the alternate screen
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Watching:
    """The command with its output in a file; `lines` are those that it has said so far."""

    def __init__(self, archive, *words, **env):
        self.path = archive.folder / "watch.out"
        with self.path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "watch", *words],
                env=archive.environment | env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        archive.processes.append(self.process)

    @property
    def lines(self):
        return self.path.read_text().splitlines()

    @property
    def ticks(self):
        return [json.loads(line) for line in self.path.read_text().split("\n")[:-1]]


class Terminal:
    """The command on a terminal of its own. `shown` is all that it wrote; `seen` the same without colours and moves."""

    def __init__(self, archive, *words, columns=60, rows=40):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "watch", *words],
            env=archive.environment | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        archive.processes.append(self.process)
        self.shown, self._ours = "", ours
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with suppress(OSError), os.fdopen(self._ours, "rb", buffering=0) as screen:  # EIO at the end of the other side
            while piece := screen.read(65_536):
                self.shown += piece.decode(errors="replace")

    @property
    def seen(self):
        return _SEQUENCE.sub("", self.shown)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join(30)
        return code


def test_a_run_is_followed_to_its_end_in_json(archive):
    episodes = archive.put_episodes(6)
    archive.put("page.mp3", b"<!doctype html><html><body>Not here any more.</body></html>")
    archive.fault({"on": "process", "do": {"delay_s": 2.0}})
    watching = Watching(archive, "--json", "--every", "0.3")
    eventually(lambda: watching.ticks, "it waits for a run")
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, NIGHTSCRIBE_LIMITS_CONCURRENCY="2")
    code = watching.process.wait(60)

    assert outcome.returncode == 1, outcome.stderr  # one object is no audio
    assert code == 0
    ticks = watching.ticks
    schema = Draft202012Validator(json.loads((ROOT / "docs/schemas/watch.schema.json").read_text("utf-8")))
    for tick in ticks:
        schema.validate(tick)
    assert ticks[0]["runs"] == []
    standings = list(dict.fromkeys(run["standing"] for tick in ticks for run in tick["runs"]))
    assert standings[-2:] == ["transcribing", "done"]
    (last,) = ticks[-1]["runs"]
    assert (last["progress"]["by_state"]["done"], last["progress"]["by_state"]["failed"]) == (6, 1)
    assert [(trouble["key"], trouble["reason"]) for trouble in last["progress"]["troubles"]] == [
        ("page.mp3", "not_audio")
    ]
    at_work = {work["uri"] for tick in ticks for worker in tick["workers"] for work in worker["at_work"]}
    assert at_work & {f"{archive.uri}{key}" for key in episodes}
    assert all(uri.startswith(archive.uri) for uri in at_work)
    assert max(tick["permits"]["held"] for tick in ticks) > 0


def test_a_pipe_gets_plain_lines_and_their_end(archive):
    archive.put_episodes(3)
    archive.fault({"on": "process", "do": {"delay_s": 1.0}})
    watching = Watching(archive, archive.uri, "--every", "0.3")
    eventually(lambda: watching.lines, "it waits for a run")
    archive.start_worker()

    archive.run("backfill", archive.uri)
    code = watching.process.wait(60)

    assert code == 0
    assert "No run is open." in watching.lines[0]
    assert any(f"{archive.uri} transcribing: " in line for line in watching.lines)
    assert f"{archive.uri} done after" in watching.lines[-1]
    assert "3 done" in watching.lines[-1]
    assert "\x1b" not in "".join(watching.lines)


def test_a_terminal_shows_a_run_whose_dispatcher_is_killed_and_is_given_back(archive):
    archive.put_episodes(12)
    archive.put("\x1b[2Jevil.mp3", b"<!doctype html><html><body>Not here any more.</body></html>")
    archive.fault({"on": "process", "do": {"delay_s": 60.0}})
    archive.start_worker()
    lease = {"NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S": "3"}
    command = archive.start("backfill", archive.uri, **lease)
    terminal = Terminal(archive, "--every", "0.3")
    for fact in ("transcribing", "not_audio", "\\x1b[2Jevil.mp3", "longest in work"):
        eventually(lambda fact=fact: fact in terminal.seen, fact)
    eventually(lambda: re.search(r"permits [1-9]", terminal.seen), "requests are in flight")

    command.kill()
    eventually(lambda: "Its dispatcher is gone" in terminal.seen, "its death is shown")
    code = terminal.interrupt()

    assert code == 0
    assert terminal.shown.count(ENTERED) == terminal.shown.count(LEFT) == 1
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h")  # the cursor is back
    assert "abandoned" in terminal.shown.partition(LEFT)[2]  # what was seen last stays, as a line
    assert "\x1b[2Jevil" not in terminal.shown
    assert "Traceback" not in terminal.shown


def test_redis_away_in_the_middle_is_said_and_it_goes_on(archive):
    server = RedisServer(archive.folder)
    server.start()
    try:
        watching = Watching(archive, "--json", "--every", "0.2", REDIS_URL=server.url)
        eventually(lambda: watching.ticks, "it looks")
        os.kill(server.process.pid, signal.SIGSTOP)
        eventually(lambda: watching.ticks[-1]["trouble"], "it says that Redis is away")
        os.kill(server.process.pid, signal.SIGCONT)
        eventually(lambda: watching.ticks[-1]["trouble"] is None, "it goes on")
        watching.process.send_signal(signal.SIGINT)
        code = watching.process.wait(30)
    finally:
        server.stop()

    assert code == 0
    assert all(tick["seen_at"] <= tick["at"] for tick in watching.ticks)


def test_one_look_tells_what_is_there_and_how_the_last_run_ended(archive):
    archive.put_episodes(1)
    before = archive.run("watch", "--once")
    archive.start_worker()
    archive.run("backfill", archive.uri)

    after = archive.run("watch", "--once")
    elsewhere = json.loads(archive.run("watch", "s3://elsewhere/", "--once", "--json").stdout)

    assert before.stdout.splitlines()[0].endswith("No run is open.")
    assert f"{archive.uri} done after" in after.stdout
    assert "1 done" in after.stdout
    assert (before.returncode, after.returncode) == (0, 0)
    assert elsewhere["runs"] == []


def test_what_cannot_be_watched_is_said(archive):
    (port,) = free_ports(1)

    says(archive.run("watch", "--once", REDIS_URL=f"redis://127.0.0.1:{port}/0"), 2, f"127.0.0.1:{port}", "REDIS_URL")
    refused = archive.run("watch", "--every", "0")
    assert (refused.returncode, "--every" in refused.stderr) == (2, True)
