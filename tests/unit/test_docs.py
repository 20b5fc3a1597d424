"""The documents say what is there: commands, settings, modules, layers, links, and files of a size that can be read."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import click
import pytest

from pipeline import errors
from pipeline.cli import nightscribe
from pipeline.errors import NightscribeError
from pipeline.speech.fal.failures import OUTCOMES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted(
    path for folder in ("pipeline", "workers", "emulator", "configs") for path in (ROOT / folder).rglob("*.py")
)
LONGEST_FILE_LINES = 300
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SECTION = re.compile(r"(?m)^#{2,3} ([0-9.]+?)\.? ")
_CITED = re.compile(r"docs/fal\.md sections? ((?:[0-9.]*[0-9](?:, | and | to )?)+)")


def commands(group=nightscribe, name="nightscribe"):
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def relative(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    return (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize(("name", "command"), [pytest.param(*pair, id=pair[0]) for pair in commands()])
def test_every_command_shows_examples_of_itself_in_its_help(name, command):
    _, heading, examples = command.help.partition("Examples:\n")

    assert heading
    assert f"{name}" in examples


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_is_named_in_the_readme_or_the_docs(name):
    read = [path for path in DOCUMENTS if path.name == "README.md" or path.parent != ROOT]

    assert [relative(path) for path in read if name in path.read_text("utf-8")], f"{name} is named nowhere"


def test_every_setting_has_its_reason_above_it():
    """A comment may speak for a pair of settings; the bit rates are a table of data."""
    bare, has_reason_for, table = [], 0, ""
    for line in (text("configs/default.toml") + text("configs/nights.toml")).splitlines():
        if line.startswith("["):
            has_reason_for, table = 0, line
        elif line.startswith("#"):
            has_reason_for = 2
        elif line.strip() and table != "[audio.assumed_kbps]":
            if not has_reason_for:
                bare.append(f"{table} {line}")
            has_reason_for = max(0, has_reason_for - 1)

    assert bare == []


def test_every_make_target_is_named_where_contributors_look():
    targets = re.findall(r"(?m)^([a-z]+): .*## ", text("Makefile"))

    assert "demo" in targets
    assert [target for target in targets if f"make {target}" not in text("CONTRIBUTING.md") + text("README.md")] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_the_architecture_names_every_module_of_the_pipeline_and_every_folder():
    named = set(re.findall(r"`([^`\s]+)`", text("ARCHITECTURE.md")))
    modules = {path.stem for path in (ROOT / "pipeline").glob("*.py")}
    modules |= {path.stem for path in (ROOT / "workers").glob("[!_]*.py")}
    folders = {path.parent.relative_to(ROOT) for path in SOURCES} - {Path("pipeline"), Path("emulator")}
    shown = {f"{folder.as_posix().removeprefix('pipeline/')}/" for folder in folders}
    tests = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.rglob("test_*.py"))}

    assert modules - named == set()
    assert shown - named == set()
    assert tests - named == set()


def test_the_architecture_names_no_file_that_is_not_there():
    paths = re.findall(
        r"`((?:pipeline|workers|emulator|configs|tests|docs|scripts|requirements)/[^`*]*)`", text("ARCHITECTURE.md")
    )

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_layers_in_the_architecture_are_those_that_are_checked():
    project = tomllib.loads(text("pyproject.toml"))
    checked = project["tool"]["importlinter"]["contracts"][0]["layers"]
    chapter = text("ARCHITECTURE.md").partition("\n## Layers\n")[2].partition("\n## ")[0]

    assert [line.strip() for line in chapter.splitlines() if line.startswith("    ")] == checked


def test_all_invariants_and_words_have_their_line():
    page = text("ARCHITECTURE.md")

    assert re.findall(r"(?m)^- \*\*(I\d+)\*\*", page) == [f"I{number}" for number in range(1, 13)]
    for word in (
        "archive",
        "object",
        "recipe",
        "job",
        "skip",
        "intent",
        "request",
        "attempt",
        "permit",
        "sidecar",
        "run",
    ):
        assert f"\n| {word} | " in page


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_link_leads_somewhere(path):
    targets = [link.partition("#")[0] for link in _LINK.findall(path.read_text("utf-8")) if "://" not in link]

    assert [target for target in targets if target and not (path.parent / target).exists()] == []


def test_every_section_that_is_cited_is_there():
    there = set(_SECTION.findall(text("docs/fal.md") + text("docs/fal-models.md")))
    cited = {
        (relative(path), number)
        for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]
        for group in _CITED.findall(path.read_text("utf-8"))
        for number in re.findall(r"[0-9]+(?:\.[0-9]+)?", group)
    }

    assert {"1", "3.2", "14.12", "17"} <= there
    assert {(path, number) for path, number in cited if number not in there} == set()


def test_every_document_that_the_code_names_is_there():
    named = {
        (relative(path), name)
        for path in [*SOURCES, ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "configs").glob("*.toml")]
        for name in re.findall(r"docs/(?:adr/\d{4}|[a-z/-]+\.(?:md|schema\.json))", path.read_text("utf-8"))
    }

    assert {(path, name) for path, name in named if not list(ROOT.glob(f"{name}*"))} == set()


def test_every_error_of_ours_and_of_fal_has_its_row():
    page = text("docs/errors.md")
    ours = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, NightscribeError) and kind is not NightscribeError
    }

    assert {name for name in ours | set(OUTCOMES) if f"`{name}`" not in page} == set()


def test_decisions_are_numbered_without_gaps_and_say_what_they_cost():
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [path.name[:4] for path in decisions] == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        assert re.findall(r"(?m)^## (\w+)", path.read_text("utf-8")) == ["Context", "Decision", "Consequences"], path


@pytest.mark.parametrize("path", [*SOURCES, *DOCUMENTS, *(ROOT / "configs").glob("*.toml")], ids=relative)
def test_no_file_is_too_long_to_read(path):
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE_LINES
