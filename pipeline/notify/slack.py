"""The end of a run as a message that Slack and whoever understands Slack's JSON can show. Pure.

`text` is for notifications and simple receivers, `blocks` for the page. Slack refuses a whole message for one text that
breaks its bounds, so every text is cut before it reaches them.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.models import RunEnd
from pipeline.notify import summary
from pipeline.printable import printable
from pipeline.redaction import redact

# Half of what Slack takes (3,000 in a text, 2,000 in a field, 150 in a header), as it may count an emoji twice.
_TEXT_MOST = 1_500
_FIELD_MOST = 1_000
_HEADER_MOST = 75
_TROUBLES_SHOWN = 5  # of some hundred characters each; the rest is in the manifest
_TROUBLE_MOST = 250

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HALF_AN_ESCAPE = re.compile(r"&[a-z]*$")


def message(end: RunEnd) -> dict[str, Any]:
    """The JSON to post; a few kilobytes, whatever the keys and messages are."""
    return {"text": _fitted(summary.line(end), _TEXT_MOST), "blocks": [block for block in _blocks(end) if block]}


def _blocks(end: RunEnd) -> list[dict[str, Any] | None]:
    header = {"type": "plain_text", "text": summary.headline(end)[:_HEADER_MOST], "emoji": False}
    fields = [_text(f"{name}: {value}", _FIELD_MOST) for name, value in summary.figures(end)]
    where = [f"{name}: {uri}" for name, uri in (("manifest", end.manifest_uri), ("report", end.report_uri)) if uri]
    return [
        {"type": "header", "text": header},
        _section(end.archive.uri),
        _section(end.message),
        {"type": "section", "fields": fields},
        _section(summary.reasons(end)),
        *(_section(_trouble(end, index), _TROUBLE_MOST) for index in range(min(len(end.troubles), _TROUBLES_SHOWN))),
        *(_section(line) for line in where),
        _section(f"run {end.run_id}" if end.run_id else ""),
    ]


def _trouble(end: RunEnd, index: int) -> str:
    trouble = end.troubles[index]
    return f"{trouble.state}, {trouble.reason}: {trouble.key} {trouble.message}"


def _section(text: str, most: int = _TEXT_MOST) -> dict[str, Any] | None:
    # A text of nothing but blanks is one that Slack refuses.
    return {"type": "section", "text": _text(text, most)} if text.strip() else None


def _text(text: str, most: int) -> dict[str, Any]:
    # Verbatim: Slack would make links of what looks like one, and names of what begins with # or @.
    return {"type": "mrkdwn", "text": _fitted(text, most), "verbatim": True}


def _fitted(text: str, most: int) -> str:
    """Escaped as Slack wants it, without a secret or a control character, and no longer than `most` characters."""
    escaped = printable(redact(text)).translate(_ESCAPES)
    return escaped if len(escaped) <= most else f"{_HALF_AN_ESCAPE.sub('', escaped[: most - 1])}…"
