"""Who gets into Flower: nobody without a login, as soon as it listens for more than this machine."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest
from archives import PATIENCE_S, REPOSITORY

pytestmark = [pytest.mark.e2e]


_OTHERS = (
    (["--address=0.0.0.0"], {}),
    (["--address=::"], {}),
    (["--address="], {}),
    (["--address=198.51.100.7"], {}),
    ([], {"FLOWER_ADDRESS": "0.0.0.0"}),  # noqa: S104  this is what is refused
    (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": ""}),
    (["--address=0.0.0.0"], {"FLOWER_ADDRESS": "127.0.0.1"}),
    (["--address=0.0.0.0", "--basic-auth="], {"FLOWER_BASIC_AUTH": "owl:feather"}),
    (["--address=0.0.0.0"], {"FLOWER_UNAUTHENTICATED_API": "true"}),
)
_NO_LOGINS = (
    ([], {"FLOWER_BASIC_AUTH": "owl"}),
    (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": "owl:"}),
    (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": ":feather"}),
    (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": "owl:feather,hawk"}),
)
# Each is a process of its own, that finds Celery and Flower loaded: to load them takes longer than all the rest.
_ONE_AFTER_THE_OTHER = """
import json, os, sys, tempfile
import celery.bin.celery, flower.command, workers.app
ended = []
for words, environment in json.load(sys.stdin):
    with tempfile.TemporaryFile() as said:
        if not (child := os.fork()):
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os.environ.update(environment)
            sys.argv = ["celery", "-A", "workers.app", "flower", "--conf=configs/flower.py", "--port=0", *words]
            code = 0
            try:
                celery.bin.celery.main()
            except SystemExit as end:
                code = end.code or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        ended.append((code, said.read().decode()))
print(json.dumps(ended))
"""


def test_without_a_login_it_does_not_start_for_others_than_this_machine(archive):
    for started, (code, said) in zip(_OTHERS, _ends(archive, _OTHERS), strict=True):
        assert code == 2, started
        assert said.startswith("Error: Flower would listen on "), started
        assert "FLOWER_BASIC_AUTH=user:password" in said
        assert "Traceback" not in said


def test_a_login_that_is_none_is_refused_and_not_shown(archive):
    for started, (code, said) in zip(_NO_LOGINS, _ends(archive, _NO_LOGINS), strict=True):
        assert code == 2, started
        assert said.startswith("Error: The login of Flower is not user:password."), started
        assert "owl" not in said
        assert "feather" not in said


def test_the_command_that_people_type_is_refused(archive):
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "flower", "--conf=configs/flower.py"]
    outcome = _run(archive, [*command, "--address=0.0.0.0"])

    assert outcome.returncode == 2
    assert outcome.stderr.startswith("Error: Flower would listen on ")


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


def _ends(archive, starts):
    """Exit code and output of each start, given by its words and variables."""
    outcome = _run(archive, [sys.executable, "-c", _ONE_AFTER_THE_OTHER], json.dumps(starts))
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def _run(archive, command, given=None):
    return subprocess.run(
        command,
        env=archive.environment,
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
