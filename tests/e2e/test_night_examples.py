"""The commands of docs/examples, run with what cron, systemd and Kubernetes give a program, on the real stack."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import night_examples
import pytest
from archives import PATIENCE_S
from night_examples import CONFIGURATION, PROGRAMS

pytestmark = pytest.mark.e2e

HERE = str(Path(sys.executable).parent)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture
def etc(archive):
    """What an operator puts into /etc/nightscribe."""
    folder = archive.folder / "etc"
    folder.mkdir()
    (folder / "archives.toml").write_text(f'[[archive]]\nuri = "{archive.uri}"\n')
    names = ("AWS_", "FAL_", "NIGHTSCRIBE_", "REDIS_URL")
    lines = [f"{name}={value}" for name, value in archive.environment.items() if name.startswith(names)]
    (folder / "env").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def here(etc):
    """Turns a text of an example to where things lie in this test."""
    # Whenever this runs, the deadline is far.
    until = f"{datetime.now(UTC) + timedelta(hours=12):%H:%M}"
    return lambda text: text.replace(PROGRAMS, HERE).replace(CONFIGURATION, str(etc)).replace("06:00", until)


def run(words, variables, folder):
    """Starts a program with these variables and no other, in a folder that is not ours."""
    return subprocess.run(
        ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items()), *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def secrets(etc):
    return dict(line.split("=", 1) for line in (etc / "env").read_text().splitlines())


def test_cron_systemd_and_kubernetes_each_do_a_night(archive, etc, here):
    home = archive.folder / "home"
    home.mkdir()
    archive.start_worker()
    said = []

    episodes = archive.put_episodes(1, "cron/")
    variables, _, command = night_examples.crontab()
    given = {"HOME": home, "LOGNAME": "nightscribe", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    given |= {name: here(value) for name, value in variables.items()}
    said.append(run([given["SHELL"], "-c", here(command)], given, home))

    episodes += archive.put_episodes(1, "systemd/")
    service = night_examples.unit("nightscribe.service")["Service"]
    given = dict(value.split("=", 1) for name, value in service if name == "Environment")
    assert [here(value) for name, value in service if name == "EnvironmentFile"] == [str(etc / "env")]
    given |= secrets(etc) | {"PATH": SYSTEM_PATH, "XDG_STATE_HOME": str(home)}
    said.append(run([here(word) for word in night_examples.service_words()], given, "/"))

    episodes += archive.put_episodes(1, "kubernetes/")
    only = night_examples.container()
    given = {variable["name"]: variable["value"] for variable in only["env"]} | secrets(etc)
    given |= {"PATH": f"{HERE}{os.pathsep}{SYSTEM_PATH}", "HOME": "/", "XDG_STATE_HOME": str(home)}
    said.append(run([here(word) for word in only["args"]], given, home))

    assert [outcome.returncode for outcome in said] == [0, 0, 0], [outcome.stderr for outcome in said]
    assert all("1 done, 0 failed" in outcome.stdout for outcome in said), [outcome.stdout for outcome in said]
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
