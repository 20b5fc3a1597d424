"""The commands of docs/examples, run with what cron, systemd and Kubernetes give a program, on the real stack."""

from __future__ import annotations

import os

import night_examples
import pytest
from night_examples import HERE, Etc, run

pytestmark = pytest.mark.e2e

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_cron_systemd_and_kubernetes_each_do_a_night(archive):
    etc, home = Etc(archive), archive.folder / "home"
    home.mkdir()
    archive.start_worker()
    said = []

    episodes = archive.put_episodes(1, "cron/")
    said.append(etc.by_cron(home))

    episodes += archive.put_episodes(1, "systemd/")
    service = night_examples.unit("nightscribe.service")["Service"]
    given = dict(value.split("=", 1) for name, value in service if name == "Environment")
    assert [etc.here(value) for name, value in service if name == "EnvironmentFile"] == [str(etc.folder / "env")]
    given |= etc.secrets() | {"PATH": SYSTEM_PATH, "XDG_STATE_HOME": str(home)}
    said.append(run([etc.here(word) for word in night_examples.service_words()], given, "/"))

    episodes += archive.put_episodes(1, "kubernetes/")
    only = night_examples.container()
    given = {variable["name"]: variable["value"] for variable in only["env"]} | etc.secrets()
    given |= {"PATH": f"{HERE}{os.pathsep}{SYSTEM_PATH}", "HOME": "/", "XDG_STATE_HOME": str(home)}
    said.append(run([etc.here(word) for word in only["args"]], given, home))

    assert [outcome.returncode for outcome in said] == [0, 0, 0], [outcome.stderr for outcome in said]
    assert all("1 done, 0 failed" in outcome.stdout for outcome in said), [outcome.stdout for outcome in said]
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
