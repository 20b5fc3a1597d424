"""How far the newest run of each archive is, as its dispatcher tells and as Redis itself shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.limits.base import Budget, BudgetUse
from pipeline.metrics.samples import Sample, by_reason, sample
from pipeline.models import Phase, Progress, State
from pipeline.runs.base import RunSummary

RUN_STATES = (State.DONE, State.FAILED, State.UNCERTAIN, State.PENDING)


def run_samples(told: Iterable[Progress], summaries: Iterable[RunSummary], budget: Budget) -> Iterator[Sample]:
    """One set of samples per archive: two of the same would make Prometheus refuse the whole scrape."""
    opened = {summary.run_id: summary for summary in summaries}
    newest = {progress.archive.uri: progress for progress in told}  # the newest comes last
    for archive, progress in sorted(newest.items()):
        summary = opened.pop(progress.run_id, None)
        yield sample("run_info", 1, archive, progress.run_id, progress.endpoint_id)
        yield from _told(archive, progress)
        yield from _shown(archive, summary, progress)
        if (use := budget.use(progress.run_id)) is not None:  # forgotten when the run has ended
            yield from _budget(archive, use)
    # Open, and nothing was told of it for a day: an archive whose nights have stopped.
    silent = {summary.archive_uri: summary for summary in opened.values() if summary.archive_uri not in newest}
    for archive, summary in sorted(silent.items()):
        yield sample("run_info", 1, archive, summary.run_id, summary.endpoint_id)
        yield from _shown(archive, summary, None)


def _told(archive: str, progress: Progress) -> Iterator[Sample]:
    for phase in Phase:
        yield sample("run_phase", phase is progress.phase, archive, phase.value)
    yield sample("run_started_timestamp_seconds", progress.started_at.timestamp(), archive)
    yield sample("run_updated_timestamp_seconds", progress.updated_at.timestamp(), archive)
    yield sample("run_enqueued_jobs", progress.enqueued, archive)
    yield sample("run_skipped_objects", progress.skipped, archive)
    for state in RUN_STATES:
        yield sample("run_objects", progress.by_state.get(state.value, 0), archive, state.value)
    for reason, number in by_reason(progress.by_reason):
        yield sample("run_problems", number, archive, reason)
    yield sample("run_suspect_objects", progress.suspect, archive)
    yield sample("run_audio_seconds", progress.audio_s, archive)
    yield sample("run_cost_usd", progress.cost_usd, archive)


def _shown(archive: str, summary: RunSummary | None, progress: Progress | None) -> Iterator[Sample]:
    is_driven = summary is not None and summary.dispatcher_alive
    yield sample("run_open", summary is not None, archive)
    yield sample("run_dispatcher_alive", is_driven, archive)
    if summary is not None:
        yield sample("run_outstanding_jobs", summary.outstanding, archive)
    elif progress is not None:
        yield sample("run_outstanding_jobs", progress.outstanding, archive)
    if progress is None or not is_driven:
        return  # what a dead dispatcher has hoped for is no forecast
    if progress.audio_s_per_s is not None:
        yield sample("run_pace_ratio", progress.audio_s_per_s, archive)
    if progress.left_s is not None:
        yield sample("run_eta_seconds", progress.left_s, archive)


def _budget(archive: str, use: BudgetUse) -> Iterator[Sample]:
    if use.ceiling.cost_usd is not None:
        yield from _usd(archive, use.spent.cost_usd, use.reserved.cost_usd, use.ceiling.cost_usd)
    if use.ceiling.audio_s is not None:
        yield from _audio(archive, use.spent.audio_s, use.reserved.audio_s, use.ceiling.audio_s)


def _usd(archive: str, spent: float, reserved: float, ceiling: float) -> Iterator[Sample]:
    yield sample("run_spent_usd", spent, archive)
    yield sample("run_reserved_usd", reserved, archive)
    yield sample("run_ceiling_usd", ceiling, archive)


def _audio(archive: str, spent_s: float, reserved_s: float, ceiling_s: float) -> Iterator[Sample]:
    yield sample("run_spent_audio_seconds", spent_s, archive)
    yield sample("run_reserved_audio_seconds", reserved_s, archive)
    yield sample("run_ceiling_audio_seconds", ceiling_s, archive)
