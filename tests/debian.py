"""Programs from Debian's packages that tests use where they are: Chromium, and Prometheus with promtool."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_WITHIN_S = 240
_WAIT = ("-o", f"DPkg::Lock::Timeout={_WITHIN_S}")


def installed(program: str, *packages: str) -> str:
    """The path of a program; installed from these packages when this machine allows it, else the test is skipped."""
    if found := shutil.which(program):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"there is no {program}, and only root on Debian can install it: apt-get install {packages[0]}")
    said = ""
    for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        said = _apt(words, f"there is no {program}")
    if found := shutil.which(program):
        return found
    pytest.skip(f"there is no {program}, and apt-get could not install it: {said[-300:]}")


def unpacked(package: str, folder: Path) -> Path:
    """The files of a package under a folder, installed nowhere: no service of it starts, and root is not needed."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip(f"this is no Debian, so that there is no package {package}")
    folder.mkdir(parents=True, exist_ok=True)
    said = _apt(("download", package), f"there is no {package}", folder)
    files = list(folder.glob(f"{package}_*.deb"))
    if not files and os.geteuid() == 0:  # a fresh machine has no lists yet, and only root can fetch them
        _apt(("update",), f"there is no {package}")
        said = _apt(("download", package), f"there is no {package}", folder)
        files = list(folder.glob(f"{package}_*.deb"))
    if not files:
        pytest.skip(f"apt-get could not download {package}: {said[-300:]}")
    subprocess.run(["dpkg", "-x", files[0], folder / "root"], check=True, timeout=_WITHIN_S)
    return folder / "root"


def _apt(words: tuple[str, ...], why: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            ["apt-get", *_WAIT, *words],
            cwd=folder,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{why}, and apt-get {words[0]} took over {_WITHIN_S} s")
    return done.stderr
