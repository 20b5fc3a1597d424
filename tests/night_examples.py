"""The examples under docs/examples that begin a night, read as cron, systemd and Kubernetes read them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from archives import PATIENCE_S, Archive

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PROGRAMS = "/opt/nightscribe/.venv/bin"
CONFIGURATION = "/etc/nightscribe"
HERE = str(Path(sys.executable).parent)


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


class Etc:
    """What an operator puts into /etc/nightscribe, for an archive of a test."""

    def __init__(self, archive: Archive) -> None:
        self.folder = archive.folder / "etc"
        self.folder.mkdir()
        (self.folder / "archives.toml").write_text(f'[[archive]]\nuri = "{archive.uri}"\n')
        names = ("AWS_", "FAL_", "NIGHTSCRIBE_", "REDIS_URL")
        lines = [f"{name}={value}" for name, value in archive.environment.items() if name.startswith(names)]
        (self.folder / "env").write_text("\n".join(lines) + "\n")

    def secrets(self) -> dict[str, str]:
        """The variables of its file."""
        return dict(line.split("=", 1) for line in (self.folder / "env").read_text().splitlines())

    def here(self, text: str) -> str:
        """A text of an example, turned to where things lie in this test. Whenever it runs, the deadline is far."""
        until = f"{datetime.now(UTC) + timedelta(hours=12):%H:%M}"
        return text.replace(PROGRAMS, HERE).replace(CONFIGURATION, str(self.folder)).replace("06:00", until)

    def by_cron(self, home: Path) -> subprocess.CompletedProcess[str]:
        """Runs the entry of the crontab with what cron gives a program."""
        variables, _, command = crontab()
        given = {"HOME": str(home), "LOGNAME": "nightscribe", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
        given |= {name: self.here(value) for name, value in variables.items()}
        return run([given["SHELL"], "-c", self.here(command)], given, home)


def run(words: Sequence[str], variables: Mapping[str, str], folder: Path | str) -> subprocess.CompletedProcess[str]:
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
