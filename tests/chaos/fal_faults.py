"""What the emulated fal does wrong: the fault script of a chaos run, and the one of a 429 storm."""

from __future__ import annotations

from typing import Any

from chaos.recordings import REFUSED

Rule = dict[str, Any]

_TOO_LONG = {"loc": ["body", "audio_url"], "msg": "Audio is too long.", "type": "audio_duration_too_long"}
_GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head></html>"


def usual(share: float = 0.05) -> list[Rule]:
    """The rules that hold all the time: `share` of replies to the paid POST are lost, and as many 5xx everywhere."""
    return [
        _rule("process", {"fail": {"status": 422, "error_type": None, "detail": [_TOO_LONG]}}, key=REFUSED),
        _rule("submit", {"lose_reply": True}, share),
        _rule("submit", {"status": 503}, share),
        _rule("submit", {"status": 502, "body": _GATEWAY_PAGE}, share / 5),
        _rule("submit", {"status": 429, "headers": {"Retry-After": "1"}}, share / 5),
        _rule("submit", {"truncate_body": True}, share / 5),
        _rule("submit", {"delay_s": 2.0}, share / 5),
        _rule("submit", {"drop": True}, share / 5),
        # Accepted when the caller has given up already: while fal can still open the URL, and when it cannot any more.
        _rule("submit", {"hold_s": 6.0}, share / 10),
        _rule("submit", {"hold_s": 12.0}, share / 10),
        _rule("status", {"status": 500}, share),
        _rule("status", {"delay_s": 1.5}, share / 5),
        _rule("status", {"truncate_body": True}, share / 5),
        _rule("result", {"status": 503}, share),
        _rule("result", {"delay_s": 1.5}, share / 5),
        _rule("result", {"truncate_body": True}, share / 5),
        _rule("result", {"cut_json": True}, share / 5),
        _rule("result", {"lose_reply": True}, share / 5),
        _rule("history", {"status": 500}, share),
        _rule("history", {"truncate_body": True}, share / 5),
        _rule("process", {"fail": {}}, share / 2),
        _rule("process", {"regress_s": 0.2}, share / 5),
        _rule("download", {"drop": True}, share / 5),
    ]


def storm() -> list[Rule]:
    """The usual rules, and most submissions refused."""
    return [_rule("submit", {"status": 429, "headers": {"Retry-After": "1"}}, 0.8), *usual()]


def _rule(on: str, do: Rule, share: float | None = None, *, key: str | None = None) -> Rule:
    rule: Rule = {"on": on, "do": do}
    if share is not None:
        rule["share"] = share
    if key is not None:
        rule["match"] = {"path_contains": key}
    return rule
