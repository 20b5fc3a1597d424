"""What starts, starts with what it needs: which modules are loaded, not how long that takes."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from pipeline.cli import nightscribe

HEAVY = {"av", "boto3", "botocore", "celery", "httpx", "kombu", "msgspec", "pydantic", "redis", "rich", "structlog"}
# Runs the words as a command line, and prints the modules that are loaded at its end on standard error.
RUN = """
import atexit, sys
from pipeline.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""
# Makes S3's client as the first question of a command would, and prints what was loaded for it.
ASK_S3 = """
import sys
from pipeline.cli.session import Session
before = set(sys.modules)
Session({}).storage
print(*set(sys.modules) - before)
"""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(["--help"], 0, "Usage: "), (["--version"], 0, "nightscribe, version "), (["backfil"], 2, "")],
)
def test_what_is_told_of_the_commands_loads_none_of_them(words, code, said):
    outcome = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)

    loaded = set(outcome.stderr.split())
    assert outcome.returncode == code
    assert outcome.stdout.startswith(said)
    assert "pipeline.cli" in loaded
    assert HEAVY & loaded == set()
    assert not {name for name in loaded if name.startswith("pipeline.cli.backfill")}


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_help_of_the_group_reads_as_click_would_write_it_from_the_commands_themselves(width):
    by_click = click.Group(commands=dict(nightscribe.commands))
    formatter = click.HelpFormatter(width=width)
    by_click.format_commands(click.Context(by_click), formatter)

    listed = CliRunner().invoke(nightscribe, ["--help"], terminal_width=width).stdout.partition("\nCommands:\n")[2]
    assert f"Commands:\n{listed}" == formatter.getvalue()


def test_the_client_of_s3_is_loaded_when_a_command_first_asks_s3():
    outcome = subprocess.run([sys.executable, "-c", ASK_S3], capture_output=True, text=True, check=True)

    assert HEAVY & set(outcome.stdout.split()) == {"boto3", "botocore"}


def test_the_records_are_made_without_reading_their_source():
    """Pydantic's `use_attribute_docstrings` would, at every start, for the sake of schemas that no command writes."""
    script = "import linecache, pipeline.models; print(*linecache.cache)"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "archives.py" not in outcome.stdout
