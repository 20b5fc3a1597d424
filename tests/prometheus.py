"""Prometheus and promtool, the real ones, from Debian's package: rules are tried, scrapes made, alerts seen to fire."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import yaml
from archives import PATIENCE_S, REPOSITORY, eventually
from debian import unpacked

from emulator.stack.ports import free_ports

CONFIGS = REPOSITORY / "configs" / "prometheus"
DASHBOARDS = sorted((REPOSITORY / "configs" / "grafana" / "dashboards").glob("*.json"))


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    """The folder of prometheus and promtool, downloaded and unpacked once for all test processes of a run."""
    whole = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        whole = whole.parent
    folder = whole / "prometheus"
    with (whole / "prometheus.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = folder / "root"
        if not (folder / "unpacked").exists():
            root = unpacked("prometheus", folder)
            (folder / "unpacked").touch()
    return root / "usr" / "bin"


def alerts() -> dict[str, dict[str, Any]]:
    """The alert rules as they are written, by name."""
    groups = yaml.safe_load((CONFIGS / "alerts.yml").read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def without_waiting(rules: str) -> str:
    """The rules with the same expressions, as soon as they are true."""
    return re.sub(r"(?m)^( +for:) .*$", r"\1 0s", rules)


class Prometheus:
    """A server that scrapes these targets (address by job) and judges our rules, each twice a second, until the end."""

    def __init__(self, programs: Path, folder: Path, targets: Mapping[str, str]) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        (folder / "alerts.yml").write_text(without_waiting((CONFIGS / "alerts.yml").read_text("utf-8")), "utf-8")
        config = yaml.safe_load((CONFIGS / "prometheus.yml").read_text("utf-8"))
        config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        options = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        self._log = (folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [programs / "prometheus", *options], cwd=folder, stdout=self._log, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Self:
        eventually(self._is_ready, "Prometheus is ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def ask(self, path: str, **words: Any) -> Any:
        """The data of its answer; fails with what it said when it refuses."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=words, trust_env=False, timeout=PATIENCE_S)
        assert answer.status_code == 200, (words, answer.text)
        return answer.json()["data"]

    def sees(self, condition: str) -> None:
        """Waits until a scrape makes this query true."""
        eventually(lambda: self.ask("query", query=condition)["result"], condition)

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire now, by name."""
        return {
            alert["labels"]["alertname"]: alert for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"
        }

    def fires(self, name: str) -> dict[str, Any]:
        """Waits until the alert fires, and returns it."""
        return eventually(lambda: self.firing().get(name), f"{name} fires")

    def falls_silent(self, name: str) -> None:
        """Waits until the alert fires no more."""
        eventually(lambda: name not in self.firing(), f"{name} falls silent")

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text()
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
