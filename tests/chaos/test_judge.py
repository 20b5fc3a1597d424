"""The judge: content with a right result, and with none in which one thing is wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace

import builders
import pytest
from chaos.evidence import Bill, Evidence, Request, Stored
from chaos.judge import judge
from chaos.recordings import Recording

from pipeline.models import (
    Cost,
    Latest,
    Manifest,
    ManifestPart,
    ManifestRow,
    Place,
    Quality,
    RecipeStamp,
    Sidecar,
    State,
    Timings,
    Totals,
)

GOOD, OTHER, EMPTY = "a/good.mp3", "b/good too.mp3", "c/empty.mp3"
FOLDER = "_nightscribe/runs/run1"
PLACE = Place(bucket=builders.BUCKET)


def sidecar(key, request_id):
    made = Sidecar(
        job_id="j",
        run_id="run1",
        object=builders.audio(key, etag=f"etag of {key}"),
        recipe=RecipeStamp.of(builders.recipe()),
        request=builders.request(request_id),
        attempts=1,
        duration_s=3.0,
        text="said",
        language="en",
        segments=(),
        quality=Quality(verdict="ok"),
        timings=Timings(submitted_at=builders.NOW, fetched_at=builders.NOW, processing_s=1.0),
        cost=Cost(usd=None, basis="unknown"),
        raw={},
        software="nightscribe",
        written_at=builders.NOW,
    )
    return Stored(made.model_dump_json().encode(), f"etag of the transcript of {key}")


def row(key, state=State.DONE, **changes):
    etags = {"etag": f"etag of {key}", "sidecar_etag": f"etag of the transcript of {key}"}
    return builders.row(key, state=state).model_copy(update=etags | changes)


ROWS = (
    row(GOOD),
    row(OTHER),
    row(EMPTY, State.SKIPPED, reason="empty_object", message="It has no bytes.", job_id=None),
)


def manifest(rows: tuple[ManifestRow, ...] = ROWS, **changes):
    """A manifest with these rows in one part, as objects in S3."""
    part = gzip.compress("".join(f"{row.model_dump_json()}\n" for row in rows).encode())
    states = [row.state.value for row in rows]
    written = Manifest(
        run_id="run1",
        archive=PLACE,
        output=PLACE,
        recipe=RecipeStamp.of(builders.recipe()),
        started_at=builders.NOW,
        finished_at=builders.NOW,
        complete=True,
        totals=Totals(objects=len(rows), by_state={state: states.count(state) for state in set(states)}),
        this_run=Totals(),
        parts=(
            ManifestPart(
                name="part-00001.jsonl.gz",
                rows=len(rows),
                first_key=rows[0].key,
                last_key=rows[-1].key,
                sha256=hashlib.sha256(part).hexdigest(),
                size_bytes=len(part),
            ),
        ),
        software="nightscribe",
    ).model_copy(update=changes)
    latest = Latest(run_id="run1", manifest_key=f"{FOLDER}/manifest.json", finished_at=builders.NOW)
    return {
        "_nightscribe/latest.json": Stored(latest.model_dump_json().encode(), "1"),
        f"{FOLDER}/manifest.json": Stored(written.model_dump_json().encode(), "2"),
        f"{FOLDER}/part-00001.jsonl.gz": Stored(part, "3"),
    }


SIDECARS = {f"{GOOD}.transcript.json": sidecar(GOOD, "r1"), f"{OTHER}.transcript.json": sidecar(OTHER, "r2")}
RIGHT = Evidence(
    recordings={key: Recording(key, "empty" if key == EMPTY else "good", b"") for key in (GOOD, OTHER, EMPTY)},
    etags={key: f"etag of {key}" for key in (GOOD, OTHER, EMPTY)},
    requests=[Request("r1", GOOD, 10.0, 20.0), Request("r2", OTHER, 20.0, 30.0)],
    bills=[Bill("r1", GOOD, 20.0, 3.0), Bill("r2", OTHER, 30.0, 3.0)],
    objects={**SIDECARS, **manifest()},
    listed=[GOOD, OTHER, EMPTY],
    permits=1,
)


def test_a_right_result_has_no_failures_and_figures():
    verdict = judge(RIGHT, is_ours=True)

    assert verdict.failures == ()
    assert (verdict.bills, verdict.billed_twice, verdict.too_many, verdict.lost, verdict.unused) == (2, 0, 0, 0, 0)
    assert (verdict.audio_s, verdict.peak_in_flight, verdict.over_s) == (6.0, 1, 0.0)


def objects(**changes):
    """The right objects with some replaced, or taken away by None."""
    changed = {**RIGHT.objects, **changes}
    return {key: stored for key, stored in changed.items() if stored is not None}


def without(name):
    return {key: stored for key, stored in RIGHT.objects.items() if not key.endswith(name)}


def rows(*changed):
    return {"objects": {**SIDECARS, **manifest(changed)}}


WRONG = {
    "billed more than once": ({"bills": [*RIGHT.bills, Bill("r3", GOOD, 31.0, 3.0)]}, f"{GOOD} (2 bills)"),
    "billed for nothing": ({"bills": [*RIGHT.bills, Bill("r3", EMPTY, 31.0, 3.0)]}, EMPTY),
    "no transcript": ({"objects": without(f"{GOOD}.transcript.json")}, "there is none"),
    "half a transcript": ({"objects": objects(**{f"{GOOD}.transcript.json": Stored(b'{"text"', "e")})}, "breaks"),
    "the transcript of another": (
        {"objects": objects(**{f"{GOOD}.transcript.json": sidecar(OTHER, "r2")})},
        "names another object",
    ),
    "a transcript of another version": ({"etags": RIGHT.etags | {GOOD: "newer"}}, "names another object"),
    "a request that nobody paid": (
        {"objects": objects(**{f"{GOOD}.transcript.json": sidecar(GOOD, "r9")})},
        "its request was not billed",
    ),
    "a bad object with a transcript": (
        {"objects": objects(**{f"{EMPTY}.transcript.json": sidecar(EMPTY, "r3")})},
        "has a transcript, though nothing can be made of it",
    ),
    "two in flight with one permit": (
        {"requests": [Request("r1", GOOD, 10.0, 20.0), Request("r2", OTHER, 19.5, 30.0)]},
        "2 with 1 permits, for 0.50 s",
    ),
    "above the ceiling": ({"ceilings": [(0.0, 5.0), (40.0, None)]}, "6.000 s of audio"),
    "no manifest": ({"objects": without("latest.json")}, "there is no latest.json"),
    "a part is missing": ({"objects": without("part-00001.jsonl.gz")}, "is not there"),
    "a part is another": (
        {"objects": objects(**{f"{FOLDER}/part-00001.jsonl.gz": Stored(gzip.compress(b""), "e")})},
        "is not what was written",
    ),
    "rows out of order": (rows(ROWS[1], ROWS[0], ROWS[2]), "stands after"),
    "an object without a row": (rows(*ROWS[:2]), f"{EMPTY} has no row"),
    "an object with two rows": (rows(ROWS[0], *ROWS), f"{GOOD} has 2 rows"),
    "a row without an object": (rows(*ROWS, row("z.mp3")), "is of no object"),
    "a row of another version": (rows(row(GOOD, etag="older"), *ROWS[1:]), "of another version"),
    "an uncertain row": (rows(row(GOOD, State.UNCERTAIN, reason="lost", message="Lost."), *ROWS[1:]), "is uncertain"),
    "a row of another transcript": (rows(row(GOOD, sidecar_etag="older"), *ROWS[1:]), "names another transcript"),
    "a bad object that is done": (rows(*ROWS[:2], row(EMPTY)), "(empty) is done"),
    "a bad object without a reason": (rows(*ROWS[:2], row(EMPTY, State.SKIPPED)), "(empty) is skipped"),
    "a bad object with a wrong reason": (
        rows(*ROWS[:2], row(EMPTY, State.SKIPPED, reason="too_large", message="Too large.")),
        "for a wrong reason",
    ),
    "a secret": ({"leaks": ["the fal key in worker.log"]}, "the fal key in worker.log"),
    "wrong totals": ({"objects": {**SIDECARS, **manifest(totals=Totals(objects=2))}}, "the totals say"),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_one_wrong_thing_is_found_and_named(change, said):
    failures = judge(replace(RIGHT, **change), is_ours=True).failures

    assert any(said in failure for failure in failures), failures


def test_a_bill_below_a_ceiling_that_was_raised_in_time_is_right():
    verdict = judge(replace(RIGHT, ceilings=[(0.0, 3.0), (25.0, 6.0)]), is_ours=True)

    assert verdict.failures == ()


def test_a_peer_is_counted_and_promised_nothing():
    objects = {f"{GOOD}.transcript.json": Stored(json.dumps({"text": "said", "chunks": []}).encode(), "e")}
    bills = [*RIGHT.bills, Bill("r3", GOOD, 31.0, 3.0)]

    verdict = judge(replace(RIGHT, objects=objects, bills=bills), is_ours=False)

    assert verdict.failures == ()
    assert (verdict.bills, verdict.billed_twice, verdict.too_many, verdict.lost, verdict.unused) == (3, 1, 1, 1, 2)


def test_long_lists_of_the_same_wrong_are_cut_with_their_number():
    keys = [f"{number}.mp3" for number in range(20)]

    failures = judge(replace(RIGHT, listed=[*RIGHT.listed, *keys]), is_ours=True).failures

    assert failures[-1] == "manifest: 12 more"
