"""What is printed about trials: one line per promise, and the table that sets the contestants side by side. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.trial import Trial

_COLUMNS = (
    ("", lambda trial: trial.contestant),
    ("objects", lambda trial: trial.size.objects),
    ("kills", lambda trial: trial.kills),
    ("bills", lambda trial: trial.verdict.bills),
    ("objects billed twice or more", lambda trial: trial.verdict.billed_twice),
    ("bills too many", lambda trial: trial.verdict.too_many),
    ("objects lost", lambda trial: trial.verdict.lost),
    ("most in flight", lambda trial: f"{trial.verdict.peak_in_flight} of {trial.verdict.permits}"),
    ("minutes", lambda trial: f"{trial.took_s / 60:.1f}"),
)


def details(trial: Trial) -> list[str]:
    """Everything about one trial, for people."""
    verdict = trial.verdict
    lines = [
        f"{trial.contestant}: seed {trial.seed}, size {trial.size.name}, {trial.took_s:.0f} s",
        f"  billed     {verdict.bills} requests, {verdict.audio_s / 3600:.3f} h of audio",
        f"             {verdict.too_many} too many, {verdict.unused} paid for nothing",
        f"  lost       {verdict.lost} of {trial.size.objects} good objects",
        f"  in flight  at most {verdict.peak_in_flight} with {verdict.permits} permits; {verdict.over_s:g} s above",
        f"  kills      {trial.kills}, and {sum(trial.done.values()) - trial.kills} other events",
        f"             {trial.events_left} events were left when the work was done",
        *(f"  {number:9}  {act}" for act, number in sorted(trial.done.items())),
        *(f"  {number:9}  {fault}" for fault, number in sorted(trial.faults.items())),
        *(f"  {name:11}ended {_codes(codes)}" for name, codes in trial.codes.items()),
        *(
            f"  memory     {role}: at most {', '.join(f'{peak:g}' for peak in peaks)} MB in each third"
            for role, peaks in trial.memory_mb.items()
            if any(peaks)
        ),
    ]
    return [*lines, *(f"  WRONG      {failure}" for failure in trial.failures)]


def table(trials: Sequence[Trial]) -> list[str]:
    """The contestants side by side, in Markdown."""
    rows = [[name for name, _ in _COLUMNS], *([str(read(trial)) for _, read in _COLUMNS] for trial in trials)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    return [lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]]


def _codes(codes: dict[int, int]) -> str:
    return ", ".join(f"{number}x with {code}" for code, number in sorted(codes.items())) or "never before the end"
