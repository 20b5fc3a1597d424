"""Scrapes of a real exporter, read with the Prometheus project's own parser."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from archives import Archive, eventually
from prometheus_client.parser import text_string_to_metric_families

from emulator.stack.ports import free_ports


class Exporter:
    """`nightscribe metrics` for an archive, and all that it was ever seen to tell."""

    def __init__(self, archive: Archive, *words: str, **env: str) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.seen: list[str] = []
        quick = {"NIGHTSCRIBE_METRICS_MANIFEST_EVERY_S": "0.2"}
        self.process = archive.start("metrics", *words, "--port", str(port), **quick | env)
        eventually(lambda: self.process.poll() is not None or self._answers(), "the exporter answers")
        assert self.process.poll() is None, archive.log("command.log")

    def scrape(self) -> dict[str, Any]:
        """The values by name; of those with labels a mapping from their values, in the order of their names."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:  # noqa: S310  loopback
            text = answer.read().decode()
        self.seen.append(text)
        told: dict[str, Any] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                if labels:
                    told.setdefault(sample.name, {})[labels[0] if len(labels) == 1 else labels] = sample.value
                else:
                    told[sample.name] = sample.value
        return told

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthz").close()  # noqa: S310  loopback
        except urllib.error.URLError:
            return False
        return True
