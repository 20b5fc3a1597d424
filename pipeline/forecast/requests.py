"""What a run asks of S3 beyond what planning asks, by HTTP method. Tests hold this against real runs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from pipeline.settings import RunSettings

_PREFLIGHT_GETS = 2  # one to three for most files, more for an MP4 whose index is at its end

PER_JOB = Counter(
    HEAD=3,  # the sidecar's place, the same right before the POST, and the source right before the sidecar
    GET=1 + _PREFLIGHT_GETS,  # the intent
    PUT=3,  # the intent, its request id, the sidecar
)
"""A job that goes well the first time."""

FAL_DOWNLOAD = Counter(GET=1)
"""fal's own, with the URL that it is given: the bucket's owner pays."""

PER_FORMAT = Counter(HEAD=1, PUT=1)
"""A derived file."""

_ALWAYS = Counter(
    GET=2,  # open.json, at the beginning and at the end
)
_WITH_JOBS = Counter(
    PUT=4 + 1,  # whether the store keeps the conditions of writes; open.json
    DELETE=1 + 1,  # the same
)
_PER_SEGMENT = Counter(
    PUT=1,
    POST=1,  # the intents of its jobs, deleted all at once
)


@dataclass(frozen=True, slots=True)
class RunWork:
    """What a run has to do. `rows`: of the manifest at its end; `last_parts`: of the one before, if there is one."""

    jobs: int
    formats: int
    rows: int
    has_news: bool
    last_parts: int
    takes_s: float


def requests_of_run(work: RunWork, settings: RunSettings) -> Counter[str]:
    """The requests of a run with its workers and fal, none of which fails; those of its plan are not among them."""
    requests = _ALWAYS + _times(PER_JOB + FAL_DOWNLOAD, work.jobs) + _times(PER_FORMAT, work.jobs * work.formats)
    if work.jobs:
        requests += _WITH_JOBS + _times(_PER_SEGMENT, _segments(work, settings))
    if work.has_news:
        requests["GET"] += work.last_parts
        requests["PUT"] += math.ceil(work.rows / settings.part_rows) + 2  # manifest.json, report.html
    requests["PUT"] += 1  # latest.json
    return requests


def _segments(work: RunWork, settings: RunSettings) -> int:
    """One when enough rows have come, or after some time with any: a slow run writes more of them."""
    by_time = math.floor(work.takes_s / settings.segment_every_s) + 1
    return min(work.jobs, max(math.ceil(work.jobs / settings.segment_rows), by_time))


def _times(requests: Counter[str], number: int) -> Counter[str]:
    return Counter({method: count * number for method, count in requests.items()})
