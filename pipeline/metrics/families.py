"""Every family of metrics: name, type, help, labels. docs/metrics.md is made of this table; scrapes are held to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.meters import METERS

Kind = Literal["gauge", "counter", "histogram"]
Labels = tuple[str, ...]

_A: Labels = ("archive",)  # its s3:// address


@dataclass(frozen=True, slots=True)
class Family:
    """One family. `part` is what it is read from: `redis` or `s3`; a part that is away has no samples."""

    name: str
    kind: Kind
    help: str
    labels: Labels = ()
    part: Literal["exporter", "redis", "s3"] = "redis"


def _gauge(name: str, text: str, labels: Labels = ()) -> Family:
    return Family(f"nightscribe_{name}", "gauge", text, labels)


def _stored(name: str, text: str, labels: Labels = _A) -> Family:
    return Family(f"nightscribe_{name}", "gauge", text, labels, "s3")


_EXPORTER = (
    Family(
        "nightscribe_up", "gauge", "Whether a part could be read: redis, or s3 (all manifests).", ("part",), "exporter"
    ),
    Family("nightscribe_info", "gauge", "Always 1; the version of the exporter.", ("version",), "exporter"),
)

_QUEUE = (
    _gauge("queue_jobs", "Messages that wait in the queue, not counting those that a worker holds."),
    _gauge(
        "queue_oldest_seconds",
        "How long ago the message that comes next was sent; 0 for an empty queue, absent when it does not tell.",
    ),
    _gauge("permits_held", "Requests in flight at fal, by the permits of all workers."),
    _gauge("permits_limit", "How many may be in flight now; below the ceiling after fal has asked to slow down."),
    _gauge("permits_ceiling", "How many may be in flight when fal copes."),
    _gauge(
        "breaker_open",
        "1 while a stop order is in force and nobody submits anything; reason, and by (account or configuration), say "
        "why.",
        ("reason", "by"),
    ),
    _gauge("workers", "Workers that have shown themselves lately."),
    _gauge("worker_slots", "Jobs that a worker can work on at once.", ("worker",)),
    _gauge("worker_busy_slots", "Jobs that a worker works on.", ("worker",)),
    _gauge("worker_stuck", "1: it lives, but takes no jobs from the queue any more.", ("worker",)),
)

_RUN = (
    _gauge("run_info", "Always 1: id and model of the newest run of an archive.", ("archive", "run", "model")),
    _gauge("run_phase", "1 for the phase that it is in: planning, transcribing, done, stopped.", ("archive", "phase")),
    _gauge("run_open", "Whether the run is unfinished.", _A),
    _gauge("run_dispatcher_alive", "Whether a process drives it; 0 for one that has ended, or died.", _A),
    _gauge("run_started_timestamp_seconds", "When it began.", _A),
    _gauge("run_updated_timestamp_seconds", "When it last told how far it is.", _A),
    _gauge("run_enqueued_jobs", "Jobs that it has sent to workers so far.", _A),
    _gauge("run_outstanding_jobs", "Jobs of it that are not settled.", _A),
    _gauge("run_skipped_objects", "Objects that needed nothing.", _A),
    _gauge(
        "run_objects",
        "Objects that it has settled, by state: done, failed, uncertain, pending (left for later).",
        ("archive", "state"),
    ),
    _gauge("run_problems", "Of these, those that are no transcripts, by reason.", ("archive", "reason")),
    _gauge("run_suspect_objects", "Transcripts of it that read wrong (docs/lint.md).", _A),
    _gauge("run_audio_seconds", "Seconds of audio that it has transcribed.", _A),
    _gauge("run_cost_usd", "US dollars that it has cost, by the prices that are known.", _A),
    _gauge("run_pace_ratio", "Seconds of audio per second, over the last minute; absent when nobody drives it.", _A),
    _gauge("run_eta_seconds", "Seconds until its end at the pace so far; absent when that is not known.", _A),
    _gauge("run_spent_usd", "US dollars that count against its ceiling; while it is open and has --max-cost.", _A),
    _gauge("run_reserved_usd", "US dollars that requests under way may cost; while it is open and has --max-cost.", _A),
    _gauge("run_ceiling_usd", "Its ceiling in US dollars; while it is open and has --max-cost.", _A),
    _gauge(
        "run_spent_audio_seconds",
        "Seconds of audio that count against its ceiling; while it is open and has --max-audio-hours.",
        _A,
    ),
    _gauge(
        "run_reserved_audio_seconds",
        "Seconds of audio that are under way; while it is open and has --max-audio-hours.",
        _A,
    ),
    _gauge(
        "run_ceiling_audio_seconds", "Its ceiling in seconds of audio; while it is open and has --max-audio-hours.", _A
    ),
)

_MANIFEST = (
    _stored("manifest_objects", "Objects of the archive by state, after the last manifest.", ("archive", "state")),
    _stored("manifest_problems", "Objects by the reason of their state.", ("archive", "reason")),
    _stored("manifest_suspect_objects", "Transcripts that read wrong (docs/lint.md)."),
    _stored("manifest_audio_seconds", "Seconds of audio of the whole archive's transcripts."),
    _stored("manifest_cost_usd", "US dollars that all of them have cost, by the prices that are known."),
    _stored("night_complete", "1: the last manifest leaves nothing pending."),
    _stored("night_finished_timestamp_seconds", "When the last manifest was finished."),
    _stored("night_looked_timestamp_seconds", "When a later run found nothing to do; absent when there was none."),
    _stored("night_duration_seconds", "How long the run of the last manifest took."),
    _stored("night_objects", "Objects that this run settled, by state.", ("archive", "state")),
    _stored("night_audio_seconds", "Seconds of audio that this run transcribed."),
    _stored("night_cost_usd", "US dollars that this run has cost, by the prices that are known."),
    _stored(
        "complete_night_timestamp_seconds",
        "When the last complete night ended: it left nothing pending, or found nothing to do. "
        "Absent when none is known.",
    ),
)

FAMILIES: tuple[Family, ...] = (
    *_EXPORTER,
    *_QUEUE,
    *_RUN,
    *(Family(meter.name, "histogram" if meter.buckets else "counter", meter.help, meter.labels) for meter in METERS),
    *_MANIFEST,
)
"""All of them, in the order of a scrape. A label that is empty is, to Prometheus, not there."""

NAMES = frozenset(family.name for family in FAMILIES)
