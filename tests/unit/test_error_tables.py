"""The tables of errors are closed: all that the installed libraries raise is in them, and the page is the code's."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import redis.exceptions

from pipeline import retry
from pipeline.errors import BILLED_BY_REASON, ConfigurationError, ServiceUnavailableError
from pipeline.models import Failure
from pipeline.redis_server import REDIS_EXCEPTIONS, server_name
from pipeline.speech.fal.failures import ERROR_TYPES
from pipeline.speech.fal.faults import READ_EXCEPTIONS, SUBMIT_EXCEPTIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"


def exceptions_of(*modules):
    """The exception classes that these modules define, warnings aside."""
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
    }
    package = modules[0].__name__.partition(".")[0]
    return sorted((kind for kind in found if kind.__module__.startswith(package)), key=lambda kind: kind.__name__)


def modules_of(package):
    """A package with all its modules, but for its command line."""
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [package, *(importlib.import_module(name) for name in names if not name.endswith("_main"))]


@pytest.mark.parametrize("kind", exceptions_of(*modules_of(httpx)), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_installed_httpx_has_a_written_meaning(kind):
    assert kind in SUBMIT_EXCEPTIONS
    assert issubclass(kind, READ_EXCEPTIONS)


@pytest.mark.parametrize("kind", exceptions_of(redis.exceptions), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_installed_redis_has_a_written_meaning(kind):
    assert REDIS_EXCEPTIONS[kind] in {ConfigurationError, ServiceUnavailableError}


def test_every_reason_of_the_preflight_is_known_to_cost_nothing():
    """A refusal before any request must never be counted as money spent."""
    raised = [
        node.args[1].value
        for node in ast.walk(ast.parse((ROOT / "pipeline" / "audio" / "pyav.py").read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AudioRejectedError"
    ]

    assert raised
    assert {BILLED_BY_REASON.get(reason) for reason in raised} == {"no"}


@pytest.mark.parametrize(("kind", "row"), ERROR_TYPES.items(), ids=list(ERROR_TYPES))
def test_a_request_that_ended_in_a_5xx_is_free_and_one_that_ended_in_a_4xx_may_not_be(kind, row):
    """docs/fal.md section 12. Only a limit on requests (429) and a refused request (400) never reached a model."""
    leaf = "AudioRejectedError" if row.outcome.name == "REJECTED" else "RequestFailedError"
    never_began = {"bad_request", "concurrent_requests_limit"}

    billed = retry.billing_of(Failure(kind=leaf, reason=kind, message="said"))

    assert billed == ("no" if row.status >= 500 or kind in never_began else "maybe")


def test_the_committed_page_is_that_of_the_code(tmp_path):
    made = tmp_path / "errors.md"
    subprocess.run([sys.executable, ROOT / "scripts" / "errors-page", made], check=True)

    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), "run make errors"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://localhost/0", "localhost:6379"),
        ("redis://user:swordfish@redis.internal:6380/1", "redis.internal:6380"),
        ("rediss://:sword%40fish@redis.internal/0", "redis.internal:6379"),
        ("unix://user:swordfish@/run/redis/my%20server.sock?db=1", "/run/redis/my server.sock"),
        ("redis://user:swordfish@host:port/0", "redis.url"),
    ],
)
def test_a_server_is_named_without_its_password(url, name):
    assert server_name(url) == name
