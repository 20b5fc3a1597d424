"""The group of commands: it knows them all, and loads only the one that is asked for, with the clients that it uses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from pipeline.cli import nightscribe

CLIENTS = {"av", "boto3", "botocore", "celery", "httpx", "kombu", "redis"}
# Prints all modules that are loaded when the command is about to run.
LOADED = """
import sys
from pipeline.cli import nightscribe
nightscribe.commands[sys.argv[1]]
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("show", set()),  # what asks S3 loads its client then, for only then it is known that it does
        ("plan", set()),
        ("explain", {"redis"}),
        ("limit", {"redis"}),
        ("status", {"redis"}),
        ("transcribe", {"httpx"}),
        ("backfill", {"httpx", "redis", "celery", "kombu"}),
    ],
)
def test_a_command_loads_no_client_that_it_does_not_use(name, uses):
    outcome = subprocess.run([sys.executable, "-c", LOADED, name], capture_output=True, text=True, check=True)

    assert CLIENTS & set(outcome.stdout.split()) == uses


def test_every_command_is_where_the_table_says_and_has_its_name():
    assert {name: command.name for name, command in nightscribe.commands.items()} == {
        name: name for name in nightscribe.commands
    }


def test_the_help_of_the_group_lists_every_command_with_what_it_does():
    listed = CliRunner().invoke(nightscribe, ["--help"]).stdout.partition("\nCommands:\n")[2]

    said = dict(line.split(maxsplit=1) for line in listed.splitlines())
    assert set(said) == set(nightscribe.commands)
    assert said["show"] == "Print the transcript of one recording with its times."


def test_a_mistyped_command_is_told_with_the_one_that_was_meant():
    outcome = CliRunner().invoke(nightscribe, ["backfil"])

    assert outcome.exit_code == 2
    assert "Did you mean 'backfill'?" in outcome.stderr
