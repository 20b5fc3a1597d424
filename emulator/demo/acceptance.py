"""What must be true of the demo's two runs for it to end with 0. Pure: functions return sentences on what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from emulator.archive.episodes import Episode, Expected
from emulator.demo.accuracy import Accuracy
from emulator.demo.results import Row

MAX_WORD_ERROR_RATE = 0.12
_SOME_FAILED = 1  # exit code of `nightscribe backfill`
# Skipped for these reasons, a bad object would not have been found out.
_INNOCENT_SKIPS = {"current", "excluded", "over_limit"}


@dataclass(frozen=True)
class Runs:
    """How the two runs ended, and the emulator's count of fal calls after each."""

    first_exit: int
    second_exit: int
    calls_after_first: int
    calls_after_second: int


def row_problems(episodes: Sequence[Episode], rows: Sequence[Row], sidecars: Collection[str]) -> list[str]:
    """Every object has exactly one row, and it says what it must; bad objects have no sidecar."""
    counts = Counter(row.key for row in rows)
    known = {episode.key for episode in episodes}
    problems = [f"{key}: has a row, but is not in the archive" for key in counts if key not in known]
    by_key = {row.key: row for row in rows}
    for episode in episodes:
        if counts[episode.key] != 1:
            problems.append(f"{episode.key}: has {counts[episode.key]} rows in the manifest instead of one")
        elif wrong := _row_problem(episode, by_key[episode.key]):
            problems.append(f"{episode.key}: {wrong}")
        if (episode.key in sidecars) != (episode.expected is not Expected.FAILED):
            problems.append(f"{episode.key}: {'has' if episode.key in sidecars else 'lacks'} a sidecar")
    return problems


def accuracy_problems(accuracy: Accuracy) -> list[str]:
    """The overall word error rate is below the limit."""
    rate = accuracy.word_error_rate
    if rate < MAX_WORD_ERROR_RATE:
        return []
    return [f"the word error rate is {rate:.1%}; it must be below {MAX_WORD_ERROR_RATE:.0%}"]


def run_problems(runs: Runs, episodes: Sequence[Episode]) -> list[str]:
    """The first run reports its failures, the second makes no fal call and has nothing left to report."""
    problems = []
    if runs.first_exit != _SOME_FAILED:
        problems.append(f"the first run ended with exit code {runs.first_exit} instead of 1 (some objects failed)")
    if runs.second_exit != 0:
        problems.append(f"the second run ended with exit code {runs.second_exit} instead of 0")
    # Without this a ledger that counts nothing would prove the second run's innocence.
    paid = sum(episode.expected is not Expected.FAILED for episode in episodes)
    if runs.calls_after_first < paid:
        problems.append(f"the emulator counted {runs.calls_after_first} calls for {paid} transcripts")
    if extra := runs.calls_after_second - runs.calls_after_first:
        problems.append(f"the second run made {extra} fal calls instead of none")
    return problems


def compared_texts(episodes: Sequence[Episode], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of reference and transcript; a transcript that is missing counts as empty, not as absent."""
    return [(episode.reference, texts.get(episode.key, "")) for episode in episodes if episode.reference is not None]


def _row_problem(episode: Episode, row: Row) -> str | None:
    said = f"{row.state}{f' ({row.reason})' if row.reason else ''}"
    if episode.expected is Expected.FAILED:
        is_refused = row.state == "failed" or (row.state == "skipped" and row.reason not in _INNOCENT_SKIPS)
        if not is_refused or not row.reason:
            return f"is {said}; it must be refused with a reason ({episode.damage})"
    elif row.state != "done":
        return f"is {said}; it must be done"
    elif row.speech is not (episode.expected is Expected.DONE):
        return f"is done with speech={row.speech}; it must be {episode.expected}"
    return None
