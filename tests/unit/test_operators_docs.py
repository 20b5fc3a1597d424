"""What operators are told to type exists: commands with options, make targets; so do alerts' headings, exit codes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from pipeline import errors
from pipeline.cli import nightscribe

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"(?ms)^```[a-z]*\n(.*?)^```$")
_INDENTED = re.compile(r"(?m)^ {4}(?:\$ )?(\S.*)$")
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:^|[;&|] ?|exec |/bin/)(nightscribe|make) ([^;|&]+)")


def _typed(page):
    """What a page has people type: its blocks of code, and code in a sentence that begins with a command."""
    text = page.read_text("utf-8").replace("\\|", "/")  # as tables write a choice
    lines = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    lines += _INDENTED.findall(text) + _INLINE.findall(_FENCED.sub("", text))
    return [(found[1], found[2].partition(" #")[0]) for line in lines if (found := _COMMAND.search(line))]


def _command_of(words):
    command = nightscribe
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        word = words.pop(0)
        if (command := command.commands.get(word)) is None:
            return None
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_the_page_exists_with_these_options(page):
    wrong = []
    for program, rest in _typed(page):
        if program != "nightscribe":
            continue
        words = shlex.split(rest)
        command = _command_of(words)
        known = {name for option in getattr(command, "params", ()) for name in option.opts} | {"--help", "--version"}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        if command is None or given - known:
            wrong.append((rest, sorted(given - known)))

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_on_the_page_exists(page):
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8")))

    assert {rest.split()[0] for program, rest in _typed(page) if program == "make"} - targets == set()


def test_what_is_typed_is_found_and_so_is_what_does_not_exist():
    typed = _typed(ROOT / "docs" / "operations.md")

    assert ("nightscribe", "verify s3://my-podcasts/ --deep") in typed
    assert ("nightscribe", "limit 10") in typed
    assert len(typed) > 50
    assert _command_of(["manifest", "rebuild"]).name == "rebuild"
    assert _command_of(["no-such-command"]) is None
    assert _command_of(["manifest", "no-such-command"]) is None


def test_all_commands_and_targets_are_in_the_tables_for_operators():
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    tables = page.partition("## Commands for operators")[2].partition("## Exit codes")[0]

    assert {name for name in nightscribe.commands if f"`nightscribe {name}" not in tables} == set()


def test_every_alert_has_its_heading_and_every_heading_of_the_runbook_its_alert():
    rules = yaml.safe_load((ROOT / "configs" / "prometheus" / "alerts.yml").read_text("utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    runbook = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("\n## Runbook\n")[2].partition("\n## ")[0]
    headings = re.findall(r"(?m)^### (\S+)$", runbook)

    assert sorted(headings) == sorted(rule["alert"] for rule in alerts)
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    for chapter in runbook.split("\n### ")[1:]:
        assert "**Means**" in chapter
        assert "**Do**" in chapter or "**Look and do**" in chapter


def test_every_exit_code_has_its_row():
    page = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("## Exit codes")[2]
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}

    assert {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", page)} == codes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_to_headings(page):
    for path, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8")):
        text = (page.parent / path).read_text("utf-8") if path else page.read_text("utf-8")
        assert anchor in {_anchor(heading) for heading in re.findall(r"(?m)^#+ (.+)$", text)}, (path, anchor)


def _anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("iam-*.json")), ids=lambda path: path.name)
def test_every_policy_is_linked_and_never_grants_more_than_it_names(path):
    policy = json.loads(path.read_text("utf-8"))

    assert f"examples/{path.name})" in (ROOT / "docs" / "security.md").read_text("utf-8")
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        assert "*" not in (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )


def test_the_worker_of_systemd_is_that_of_compose():
    unit = (ROOT / "docs" / "examples" / "nightscribe-worker.service").read_text("utf-8")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["worker"]

    (started,) = re.findall(r"(?m)^ExecStart=\S+/celery (.+)$", unit)
    assert f"celery {started.replace('%H', '%h')}" == compose["command"]
    assert f"TimeoutStopSec={compose['stop_grace_period'].removesuffix('s')}" in unit.splitlines()
