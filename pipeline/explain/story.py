"""The story of one object in time order, joined from its sidecar, its intents and its row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.explain.findings import Findings, Unplaced
from pipeline.models import Intent, ManifestRow, Sidecar, State, StoryLine


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    what: str
    """Its stable name, as in `StoryLine.what`; `kept` and `settled` come from elsewhere."""
    detail: str
    job_id: str


def told(findings: Findings) -> list[Line]:
    """The lines of all jobs of the object, oldest first; each thing once, however many records tell it."""
    by_job: dict[str, list[StoryLine]] = {}
    for job_id, lines in _records(findings):
        known = by_job.setdefault(job_id, [])
        known.extend(line for line in lines if line not in known)
    whole = [line for job_id, lines in by_job.items() for line in _in_words(job_id, lines)]
    row = findings.row
    if row is not None and row.settled_at is not None and not _is_told(row, whole):
        whole.append(Line(row.settled_at, "settled", _settled(row), row.job_id or ""))
    return sorted(whole, key=lambda line: line.at)  # stable: what happened in the same moment keeps its order


def _records(findings: Findings) -> Iterator[tuple[str, Iterable[StoryLine]]]:
    if findings.sidecar is not None:
        yield findings.sidecar.job_id, findings.sidecar.story or _story_of_times(findings.sidecar)
    for unplaced in findings.unplaced:
        yield unplaced.sidecar.job_id, _story_of_unplaced(unplaced)
    for intent in findings.intents:
        yield intent.job_id, intent.story or _story_of_intent(intent)


def _story_of_times(sidecar: Sidecar) -> tuple[StoryLine, ...]:
    """A sidecar of 0.1 has no story, but it has its times."""
    return (
        StoryLine(at=sidecar.timings.submitted_at, what="submitted", detail=sidecar.request.request_id),
        StoryLine(at=sidecar.timings.fetched_at, what="fetched", detail=_cost(sidecar.cost.usd)),
        StoryLine(at=sidecar.written_at, what="written"),
    )


def _story_of_unplaced(unplaced: Unplaced) -> Iterator[StoryLine]:
    """It was written, but not where the sidecar goes."""
    for line in unplaced.sidecar.story or _story_of_times(unplaced.sidecar):
        yield line.model_copy(update={"what": "kept", "detail": unplaced.uri}) if line.what == "written" else line


def _story_of_intent(intent: Intent) -> Iterator[StoryLine]:
    """An intent of 0.1 has no story, but it has its times."""
    for request in intent.past:
        yield StoryLine(at=request.submitted_at, what="submitted", detail=request.request_id)
    yield StoryLine(at=intent.intended_at, what="leased", detail=intent.owner)
    yield StoryLine(at=intent.intended_at, what="intended", detail=f"attempt {intent.attempt}")
    if intent.request is not None:
        yield StoryLine(at=intent.request.submitted_at, what="submitted", detail=intent.request.request_id)


def _in_words(job_id: str, lines: list[StoryLine]) -> Iterator[Line]:
    """A line names its attempt and its worker, which earlier lines of the same job have told."""
    worker = attempt = ""
    for line in sorted(lines, key=lambda line: line.at):
        shown = Line(line.at, line.what, line.detail, job_id)
        match line.what:
            case "leased":
                worker = f"by worker {line.detail}"
                yield replace(shown, detail=worker)
            case "intended":
                attempt = line.detail
                yield shown
            case "submitted":
                yield replace(shown, detail=_joined(f"request {line.detail}", attempt, worker))
            case "adopted":
                yield replace(shown, detail=_joined(f"request {line.detail}, found in fal's history", attempt))
            case "failed":
                yield replace(shown, detail=_joined(line.detail, attempt))
            case _:
                yield shown


def _is_told(row: ManifestRow, lines: list[Line]) -> bool:
    """A row of success is the sidecar's own; so is its time."""
    return row.state is State.DONE and any(line.what == "written" and line.job_id == row.job_id for line in lines)


def _settled(row: ManifestRow) -> str:
    attempts = f"after {row.attempts} attempt{'s' if row.attempts != 1 else ''}" if row.attempts else ""
    cost = _cost(row.cost_usd) if row.cost_usd is not None else ""
    return _joined(row.state.value, row.reason or "", attempts, cost, f"run {row.run_id}" if row.run_id else "")


def _cost(usd: float | None) -> str:
    return "cost unknown" if usd is None else f"cost {usd:.6f} USD"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
