"""What a running stack tells others in its folder: `env` for shells and programs (0600), then `stack.json`."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

ENV = "env"
READY = "stack.json"

# Variables of a real account that would win over, or mix with, those of the stack.
_UNSET = (
    *("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
    *("FAL_KEY_ID", "FAL_KEY_SECRET", "NIGHTSCRIBE_CONFIG"),
)


def write_env(path: Path, variables: Mapping[str, str]) -> None:
    """Writes a file for `set -a; . FILE; set +a`, readable by its owner only: it holds the credentials."""
    lines = [f"unset {' '.join(_UNSET)}", *(f"{name}={shlex.quote(value)}" for name, value in variables.items())]
    path.unlink(missing_ok=True)  # an existing file would keep its own mode
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123  the mode must be there from the start
        file.write("\n".join(lines) + "\n")


def read_env(path: Path) -> dict[str, str]:
    """The variables that `write_env` wrote."""
    words = [shlex.split(line) for line in path.read_text("utf-8").splitlines()]
    return dict(line[0].split("=", 1) for line in words if len(line) == 1)  # the line with `unset` has several


def write_ready(folder: Path, facts: Mapping[str, object]) -> None:
    """Says that the stack is up. Appears as a whole or not at all."""
    draft = folder / f"{READY}.draft"
    draft.write_text(json.dumps(facts, indent=1), "utf-8")
    draft.replace(folder / READY)


def read_ready(folder: Path) -> dict[str, str] | None:
    """What `write_ready` said; None until then."""
    try:
        facts: dict[str, str] = json.loads((folder / READY).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return facts


def clear(folder: Path, env_files: Iterable[Path]) -> None:
    """Takes all of it back, so that nobody is sent to servers that are gone."""
    for path in (folder / READY, *env_files):
        path.unlink(missing_ok=True)
