"""The examples under docs/examples that begin a night, read as cron, systemd and Kubernetes read them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PROGRAMS = "/opt/nightscribe/.venv/bin"
CONFIGURATION = "/etc/nightscribe"


def crontab() -> tuple[dict[str, str], str, str]:
    """The variables that it sets, the five fields of its one entry, and the command."""
    lines = [line for line in (EXAMPLES / "crontab").read_text("utf-8").splitlines() if line and line[0] != "#"]
    (entry,) = [line for line in lines if not re.match(r"[A-Z_]+\s*=", line)]
    variables = dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if line != entry)
    *fields, command = entry.split(None, 5)
    return variables, " ".join(fields), command


def unit(name: str) -> dict[str, list[tuple[str, str]]]:
    """The settings of a unit file by section; one may be set more than once."""
    sections: dict[str, list[tuple[str, str]]] = {}
    here: list[tuple[str, str]] = []
    for line in (EXAMPLES / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            here = sections.setdefault(line.strip("[]"), [])
        elif line and line[0] not in "#;":
            setting, _, value = line.partition("=")
            here.append((setting, value))
    return sections


def service_words() -> list[str]:
    """The words of ExecStart."""
    (command,) = (value for name, value in unit("nightscribe.service")["Service"] if name == "ExecStart")
    return shlex.split(command)


def cronjob() -> dict[str, Any]:
    """The specification of the CronJob."""
    return yaml.safe_load((EXAMPLES / "cronjob.yaml").read_text("utf-8"))["spec"]


def container() -> dict[str, Any]:
    """The one container of its pods."""
    (only,) = cronjob()["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return only
