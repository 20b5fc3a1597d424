"""What this machine and its settings are like. Pure, but for the few that say what they read."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib import metadata

from pipeline.doctor.checkup import Seen, failed, not_checked, ok, warning
from pipeline.settings import LoadedSettings, Settings

_OLDEST_PYTHON = (3, 11)
_PROFILES = {"configs/local.toml", "configs/production.toml"}
_REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*([^;]*)(;.*)?$")
_BOUND = re.compile(r"(==|>=|<=|<|>)\s*([0-9][0-9.]*)")
_BYTES_PER_GB = 1e9
# An allowance, not a measurement: the rows of a million objects as a run's drafts, and a list that is sorted on disk.
_WANTED_BYTES = 2_000_000_000
_NEEDED_BYTES = 100_000_000


def settings_fit(loaded: LoadedSettings) -> Seen:
    """Whether values that are right by themselves fit together; those that cannot be right were refused by loading."""
    named = sum(not origin.startswith("configs/") for origin in loaded.origins.values())
    profile = next((origin for origin in loaded.origins.values() if origin in _PROFILES), "the default")
    saw = f"They are valid, of the profile {profile}; {named} differ from what is delivered (nightscribe config show)."
    misfits = list(_misfits(loaded.settings))
    if misfits:
        return warning(
            f"{saw} But {'; '.join(misfits)}.", "Change one of each two; their reasons: configs/default.toml."
        )
    return ok(saw)


def _misfits(settings: Settings) -> Iterable[str]:
    pairs: tuple[tuple[bool, str], ...] = (
        (settings.polling.min_s > settings.polling.max_s, "polling.min_s is above polling.max_s"),
        (settings.retry.base_s > settings.retry.max_s, "retry.base_s is above retry.max_s"),
        (
            settings.run.dispatcher_lease_s < 3 * settings.run.tick_s,
            "run.dispatcher_lease_s is no three times run.tick_s, so that a living run may count as dead",
        ),
        (
            settings.fal.wait_timeout_s < settings.fal.start_timeout_s,
            "fal.wait_timeout_s is below fal.start_timeout_s, so that jobs are given back before fal begins them",
        ),
        (
            settings.lint.words_per_minute_min >= settings.lint.words_per_minute_max
            or settings.lint.characters_per_minute_min >= settings.lint.characters_per_minute_max,
            "a lower bound of the speed of speech in [lint] is above its upper one: every transcript is suspect",
        ),
        (
            settings.s3.exclusivity_by_redis_alone,
            "s3.exclusivity_by_redis_alone is on, so that paying once rests on Redis",
        ),
    )
    return (said for is_odd, said in pairs if is_odd)


def packages(
    required: Callable[[], Iterable[str] | None] = lambda: metadata.requires("nightscribe"),
    version_of: Callable[[str], str] = metadata.version,
) -> Seen:
    """Python, and the packages that every installation needs, against what pyproject.toml asks for."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return failed(f"This is Python {python}.", "Use Python 3.11 or newer.")
    try:
        asked = [found for text in required() or () if (found := _REQUIREMENT.match(text)) and not found[3]]
    except metadata.PackageNotFoundError:
        return not_checked(
            f"Python {python}; Nightscribe is not installed as a package, and so does not tell what it needs."
        )
    wrong = []
    for found in asked:
        try:
            version = version_of(found[1])
        except metadata.PackageNotFoundError:
            wrong.append(f"{found[1]} is missing")
            continue
        if not all(_holds(version, bound, limit) for bound, limit in _BOUND.findall(found[2])):
            wrong.append(f"{found[1]} is {version}, not {found[2].strip()}")
    if wrong:
        return failed(
            f"Python {python}; {'; '.join(wrong)}.",
            "Install what requirements/ locks (make setup). Celery is pinned: exactly that version's fault is mended.",
        )
    return ok(f"Python {python}, and {len(asked)} packages in versions that fit; Celery {version_of('celery')}.")


def _holds(version: str, bound: str, limit: str) -> bool:
    ours, theirs = (_numbers(text) for text in (version, limit))
    width = max(len(ours), len(theirs))
    ours, theirs = (numbers + [0] * (width - len(numbers)) for numbers in (ours, theirs))
    return {"==": ours == theirs, ">=": ours >= theirs, "<=": ours <= theirs, "<": ours < theirs, ">": ours > theirs}[
        bound
    ]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", re.split(r"[a-z+-]", version, maxsplit=1)[0])]


def temporary_space(folder: str | None = None, free_bytes: Callable[[str], int] | None = None) -> Seen:
    """The disk on which runs keep what would not fit into memory."""
    folder = folder or tempfile.gettempdir()
    free = (free_bytes or (lambda path: shutil.disk_usage(path).free))(folder)
    saw = f"{free / _BYTES_PER_GB:.1f} GB are free in {folder}."
    advice = "Free some, or set TMPDIR to a larger disk: runs over many objects keep their drafts there."
    if free < _NEEDED_BYTES:
        return failed(saw, advice)
    return warning(f"{saw} A run over a million objects may need more.", advice) if free < _WANTED_BYTES else ok(saw)
