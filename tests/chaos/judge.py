"""Judges a trial: what was billed, what was written, what was lost. Pure, so that its own tests can show it wrongs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jsonschema
from chaos.evidence import Evidence, Stored
from chaos.flight import flight
from chaos.manifest_rules import manifest_failures

SIDECAR = ".transcript.json"
_SHOWN = 8
_SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
_validator = jsonschema.Draft202012Validator(json.loads((_SCHEMAS / "sidecar.schema.json").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of a trial, and what broke the promise."""

    bills: int
    billed_twice: int
    """Objects that were billed more than once."""
    too_many: int
    """Bills beyond the first of an object."""
    audio_s: float
    """Seconds of audio that were billed."""
    lost: int
    """Good objects without a valid transcript."""
    unused: int
    """Bills whose request is in no transcript: paid for nothing."""
    permits: int
    peak_in_flight: int
    """The most requests that fal held at once."""
    over_s: float
    """For how long there were more of them than permits."""
    failures: tuple[str, ...]
    """What must not be, one line each; empty for a contestant of whom nothing was promised."""


def judge(evidence: Evidence, *, is_ours: bool) -> Verdict:
    """The verdict. Promises are held against Nightscribe alone; the figures are taken of everybody."""
    bills = Counter(bill.key for bill in evidence.bills)
    good = dict.fromkeys(key for key, recording in evidence.recordings.items() if recording.is_good)
    paid = {(bill.key, bill.request_id) for bill in evidence.bills}
    sidecars = {key: evidence.objects.get(key + SIDECAR) for key in evidence.recordings}
    used = {request_id for key in good if (request_id := _request_id(sidecars[key]))}
    flown = flight(evidence)
    broken: dict[str, list[str]] = {}
    if is_ours:
        broken = {
            "billed more than once": [f"{key} ({number} bills)" for key, number in bills.items() if number > 1],
            "billed, though nothing can be made of it": [key for key in bills if key not in good],
            "transcript is wrong": [wrong for key in good if (wrong := _wrong(evidence, paid, key))],
            "has a transcript, though nothing can be made of it": [
                key for key, stored in sidecars.items() if stored and key not in good
            ],
            "billed, and in no transcript": [bill.key for bill in evidence.bills if bill.request_id not in used],
            "above the ceiling": _above_ceiling(evidence),
            "more requests in flight than permits": list(flown.excesses),
            "manifest": manifest_failures(evidence),
            "secret": list(evidence.leaks),
        }
    lost = [key for key in good if not _is_transcript(sidecars[key], strict=is_ours)]
    return Verdict(
        bills=len(evidence.bills),
        billed_twice=sum(1 for number in bills.values() if number > 1),
        too_many=sum(bills.values()) - len(bills),
        audio_s=round(sum(bill.audio_s for bill in evidence.bills), 3),
        lost=len(lost),
        unused=len(evidence.bills) - len(used) if is_ours else len(evidence.bills) - len(good) + len(lost),
        permits=evidence.permits,
        peak_in_flight=flown.peak,
        over_s=flown.over_s,
        failures=tuple(line for rule, found in broken.items() for line in _lines(rule, found)),
    )


def _wrong(evidence: Evidence, paid: set[tuple[str, str]], key: str) -> str | None:
    """What is wrong with the transcript of a good object; None when it is right. `paid` are keys with request ids."""
    stored = evidence.objects.get(key + SIDECAR)
    if stored is None:
        return f"{key}: there is none"
    if not _is_transcript(stored, strict=True):
        return f"{key}: it breaks docs/schemas/sidecar.schema.json"
    sidecar = json.loads(stored.body)
    if (sidecar["object"]["key"], sidecar["object"]["etag"]) != (key, evidence.etags[key]):
        return f"{key}: it names another object"
    if (key, sidecar["request"]["request_id"]) not in paid:
        return f"{key}: its request was not billed for this object"
    return None


def _is_transcript(stored: Stored | None, *, strict: bool) -> bool:
    """Whether it is an answer of the model, and by our schema if it should be ours."""
    if stored is None:
        return False
    try:
        content = json.loads(stored.body)
    except ValueError:
        return False
    return _validator.is_valid(content) if strict else isinstance(content, dict) and bool(content.get("text"))


def _request_id(stored: Stored | None) -> str | None:
    return json.loads(stored.body)["request"]["request_id"] if _is_transcript(stored, strict=True) else None


def _above_ceiling(evidence: Evidence) -> list[str]:
    """Every bill that crossed the ceiling which was in force at that moment."""
    found = []
    spent_s = 0.0
    for bill in sorted(evidence.bills, key=lambda bill: bill.billed_at):
        spent_s += bill.audio_s
        in_force = [ceiling for since, ceiling in evidence.ceilings if since <= bill.billed_at]
        if in_force and in_force[-1] is not None and spent_s > in_force[-1] + 1e-6:
            found.append(f"{spent_s:.3f} s of audio with {bill.key}, {in_force[-1]:.3f} s allowed")
    return found


def _lines(rule: str, found: list[str]) -> list[str]:
    shown = [f"{rule}: {line}" for line in found[:_SHOWN]]
    return shown if len(found) <= _SHOWN else [*shown, f"{rule}: {len(found) - _SHOWN} more"]
