"""The whole page."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.drawing import Markup, element, joined
from pipeline.models import Manifest
from pipeline.report.gathering import Gathering
from pipeline.report.making import made_how
from pipeline.report.objects import failures, left, shows, suspects, uncertain
from pipeline.report.overview import archive, changed, head
from pipeline.report.pace import over_time, spreads
from pipeline.report.wording import shown

GENERATOR = '<meta name="generator" content="nightscribe report">'
"""By this a report is known as ours."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a page is made of. `price` says with which price costs were reckoned; None where that is not known."""

    manifest: Manifest
    gathering: Gathering
    price: str | None = None


def page(report: Report) -> str:
    """A whole HTML document. The same run gives the same page."""
    manifest, gathering = report.manifest, report.gathering
    sections = (
        head(manifest),
        archive(manifest),
        changed(manifest),
        over_time(manifest, gathering),
        spreads(gathering),
        failures(manifest, gathering),
        uncertain(manifest, gathering),
        suspects(manifest, gathering),
        left(gathering),
        shows(manifest, gathering),
        made_how(manifest, report.price),
    )
    title = element("title", shown(f"Nightscribe: {manifest.archive.uri}, run {manifest.run_id}"))
    body = element("body", element("main", *sections))
    return f'<!doctype html>\n<html lang="en">\n<head>\n{_head(title)}\n</head>\n{body}\n</html>\n'


@cache
def _style() -> str:
    return files("pipeline.report").joinpath("style.css").read_text("utf-8")


def _head(title: Markup) -> Markup:
    # Only this very style sheet is allowed, and nothing is fetched: whatever a key may hold, it stays text.
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return joined(
        (
            Markup('<meta charset="utf-8">\n'),
            element("meta", http_equiv="Content-Security-Policy", content=policy),
            Markup('\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
            Markup('<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'),
            Markup(f"{GENERATOR}\n"),
            title,
            Markup(f"\n<style>{_style()}</style>"),
        )
    )
