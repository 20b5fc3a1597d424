"""Who gets into Flower: nobody without a login, as soon as it listens for more than this machine."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from archives import PATIENCE_S, REPOSITORY

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["--address=0.0.0.0"], {}),
        (["--address=::"], {}),
        (["--address="], {}),
        (["--address=198.51.100.7"], {}),
        ([], {"FLOWER_ADDRESS": "0.0.0.0"}),  # noqa: S104  this is what is refused
        (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": ""}),
        (["--address=0.0.0.0"], {"FLOWER_ADDRESS": "127.0.0.1"}),
        (["--address=0.0.0.0", "--basic-auth="], {"FLOWER_BASIC_AUTH": "owl:feather"}),
        (["--address=0.0.0.0"], {"FLOWER_UNAUTHENTICATED_API": "true"}),
    ],
    ids=str,
)
def test_without_a_login_it_does_not_start_for_others_than_this_machine(archive, words, environment):
    outcome = _start(archive, words, environment)

    assert outcome.returncode == 2
    assert outcome.stderr.startswith("Error: Flower would listen on ")
    assert "FLOWER_BASIC_AUTH=user:password" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("words", "login"),
    [
        ([], "owl"),
        (["--address=0.0.0.0"], "owl:"),
        (["--address=0.0.0.0"], ":feather"),
        (["--address=0.0.0.0"], "owl:feather,hawk"),
    ],
)
def test_a_login_that_is_none_is_refused_and_not_shown(archive, words, login):
    outcome = _start(archive, words, {"FLOWER_BASIC_AUTH": login})

    assert outcome.returncode == 2
    assert outcome.stderr.startswith("Error: The login of Flower is not user:password.")
    assert "owl" not in outcome.stderr
    assert "feather" not in outcome.stderr


def test_with_a_login_everything_that_names_an_object_asks_for_it(archive):
    url = archive.start_flower(
        "--address=0.0.0.0", FLOWER_BASIC_AUTH="owl:canary-feather", FLOWER_UNAUTHENTICATED_API="true"
    )

    def answers(**options):
        paths = ("/", "/tasks", "/tasks/datatable?draw=1", "/broker", "/api/tasks", "/api/workers")
        return {httpx.get(f"{url}{path}", trust_env=False, timeout=PATIENCE_S, **options).status_code for path in paths}

    assert answers() == {401}
    assert answers(auth=("owl", "wrong")) == {401}
    assert answers(auth=("", "")) == {401}
    assert answers(auth=("owl", "canary-feather")) <= {200, 400}  # 400: a question for rows without their columns
    assert "canary-feather" not in archive.log("flower.log")


def test_an_empty_login_on_this_machine_is_none_and_its_api_stays_closed(archive):
    url = archive.start_flower(FLOWER_BASIC_AUTH="", FLOWER_UNAUTHENTICATED_API="false")

    page = httpx.get(f"{url}/tasks", trust_env=False, timeout=PATIENCE_S)
    api = httpx.get(f"{url}/api/tasks", trust_env=False, timeout=PATIENCE_S)

    assert (page.status_code, api.status_code) == (200, 401)


def _start(archive, words, environment):
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "flower", "--conf=configs/flower.py"]
    return subprocess.run(
        [*command, f"--port={port}", *words],
        env=archive.environment | environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
