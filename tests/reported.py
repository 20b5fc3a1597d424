"""An archive of twelve shows with two nights, as a report is to be read: failures, doubts, long names, odd keys."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import builders

from pipeline import manifest
from pipeline.manifest import Draft, Newest, RunFacts
from pipeline.models import Manifest, ManifestRow, Place, RecipeStamp, State
from pipeline.report import Gathering
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts", prefix="shows/")
STARTED_AT = datetime(2026, 11, 22, 22, 0, 4, tzinfo=UTC)
TOOK = timedelta(hours=6, minutes=12)
RECIPE = builders.recipe(language="de", task="transcribe", diarize=True)
_SHOWS = (
    *("Abendlicht", "Binnenland", "Das lange Gespräch", "Feldnotizen", "Hinterm Deich", "Kammerton"),
    *("Luft nach oben", "Mitternachtsbibliothek", "Nachtfahrt: Geschichten von unterwegs", "Rechenschieber"),
    *("Rundfunk & Söhne <live>", "Ночные чтения"),
)
_FAULTS = (
    ("not_audio", "It begins like a web page (text/html), not like audio. Mend or replace the file.", True, 9),
    (
        "audio_duration_too_long",
        "fal refuses it: the audio is longer than 5 hours. Mend or replace the audio.",
        True,
        4,
    ),
    ("file_download_error", "fal could not fetch the audio. It may be submitted again with a fresh URL.", False, 3),
    ("empty_object", "It has zero bytes. Upload it again; nothing was paid.", True, 1),
)
_DOUBTS = ("loop", "few_words", "truncated", "boilerplate", "gap", "other_language")


def facts(run_id: str, started_at: datetime = STARTED_AT, archive: Place = ARCHIVE) -> RunFacts:
    return RunFacts(run_id, archive, builders.OUTPUT, RecipeStamp.of(RECIPE), started_at)


def finished(
    storage: MemoryStorage, of: RunFacts, rows: Iterable[ManifestRow], *, took: timedelta = TOOK, gone: tuple = ()
) -> tuple[Manifest, Gathering]:
    """Ends a run with these rows over what the archive held before; with what its report tells."""
    base: Newest = manifest.read_newest(storage, of.output, of.archive)
    gathering = Gathering(of.archive, of.run_id, of.started_at)
    with Draft() as draft:
        for row in rows:
            draft.put(row)
        for key in gone:
            draft.remove(key)
        made = manifest.finish(storage, draft, of, base, now=of.started_at + took, part_rows=500, onlooker=gathering)
    return made, gathering


def two_nights(storage: MemoryStorage) -> tuple[Manifest, Gathering]:
    """400 episodes a week ago, and 1,600 tonight; what the report of tonight is made of."""
    chance = random.Random(7)
    earlier = facts("20261115T220004Z-0a0a0a", STARTED_AT - timedelta(days=7))
    finished(storage, earlier, [_row(chance, number, earlier) for number in range(400)])
    tonight = facts("20261122T220004Z-1a2b3c")
    rows = [_row(chance, number, tonight) for number in range(380, 2000)]
    gone = tuple(_key(number) for number in range(3, 8))
    return finished(storage, tonight, rows, gone=gone)


def _key(number: int) -> str:
    return f"shows/{_SHOWS[number * number % 89 % len(_SHOWS)]}/{2019 + number % 7}/Folge {number:04d}.mp3"


def _row(chance: random.Random, number: int, of: RunFacts) -> ManifestRow:
    duration_s = min(4 * 3600.0, chance.lognormvariate(7.6, 0.7))
    # Slower at first, while limits are being found out; a lull when fal was away.
    through = chance.triangular(0.01, 0.995, 0.6)
    at = of.started_at + TOOK * (through + 0.07 if 0.41 < through < 0.47 else through)
    common: dict[str, Any] = {
        "run_id": of.run_id, "settled_at": at, "endpoint_id": RECIPE.endpoint_id, "recipe": RECIPE.hash,
        "size_bytes": int(duration_s * 16000), "duration_s": duration_s,
    }  # fmt: skip
    key = _key(number)
    if number % 83 == 5:
        reason, message, permanent, _ = chance.choices(_FAULTS, [fault[-1] for fault in _FAULTS])[0]
        said = f"s3://podcasts/{key}: {message}"
        return builders.row(key, State.FAILED, reason=reason, message=said, permanent=permanent, **common)
    if number in {777, 1234}:
        said = f"s3://podcasts/{key}: fal did not answer the submission. It may have been accepted and billed."
        return builders.row(key, State.UNCERTAIN, reason="submit_reply_lost", message=said, **common)
    if number > 1985:
        return builders.row(key, State.PENDING, reason="over_limit", run_id=None)
    doubts = tuple(chance.sample(_DOUBTS, 1 + (number % 4 == 0))) if number % 71 == 0 else ()
    return builders.row(
        key,
        words=int(duration_s * 2.4),
        cost_usd=duration_s / 3600 * 0.036,
        processing_s=duration_s * chance.lognormvariate(-4.2, 0.5) + chance.uniform(1, 6),
        sidecar_key=f"{key}.transcript.json",
        language="de",
        speech=True,
        suspect=doubts,
        **common,
    )
