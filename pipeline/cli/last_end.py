"""How the last finished run of an archive ended, as its manifest tells it."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline import keys, manifest
from pipeline.cli.summary import manifest_uri
from pipeline.errors import EXIT_BUDGET, EXIT_DEADLINE, EXIT_DONE, EXIT_SOME_FAILED, ConfigurationError
from pipeline.models import Ending, Manifest, Place, RunEnd, SkipReason, State, Trouble
from pipeline.storage.base import Storage

_EXIT_CODES = {
    Ending.DONE: EXIT_DONE,
    Ending.FAILED: EXIT_SOME_FAILED,
    Ending.BUDGET: EXIT_BUDGET,
    Ending.DEADLINE: EXIT_DEADLINE,
}


def last_end(storage: Storage, archive: Place, output: Place) -> RunEnd:
    """Reads the newest manifest, and of its rows as many as it takes to find some examples of what went wrong.

    What a manifest does not tell stays at its default. Raises `ConfigurationError` when there is none, or none that can
    be read.
    """
    newest = manifest.read_newest(storage, output, archive)
    made = newest.manifest
    if made is None:
        raise ConfigurationError(
            f"There is no manifest of {archive.uri} yet: no run over exactly this archive has finished. Start one with "
            f"nightscribe nightly {archive.uri}, or name --output as that run did.",
            "no_manifest",
        )
    states, run = made.totals.by_state, made.this_run.by_state
    report = keys.report_key(output, archive, made.run_id)
    ending = _ending(made)
    return RunEnd(
        archive=archive,
        output=output,
        run_id=made.run_id,
        ending=ending,
        exit_code=_EXIT_CODES[ending],
        started_at=made.started_at,
        finished_at=made.finished_at,
        done=run.get(State.DONE, 0),
        failed=run.get(State.FAILED, 0),
        uncertain=run.get(State.UNCERTAIN, 0),
        left=states.get(State.PENDING, 0),
        skipped=max(0, made.totals.objects - made.this_run.objects - states.get(State.PENDING, 0)),
        gone=made.changes.gone if made.changes else 0,
        suspect=made.this_run.suspect,
        by_reason=made.this_run.by_reason,
        audio_s=made.this_run.audio_s,
        cost_usd=made.this_run.cost_usd,
        cost_unknown=made.this_run.cost_unknown > 0,
        troubles=tuple(_troubles(storage, made)),
        manifest_uri=manifest_uri(output, archive, made.run_id),
        report_uri=f"s3://{output.bucket}/{report}" if storage.head(output.bucket, report) else None,
    )


def _ending(made: Manifest) -> Ending:
    if SkipReason.BUDGET_REACHED in made.totals.by_reason:
        return Ending.BUDGET
    if SkipReason.AFTER_DEADLINE in made.totals.by_reason:
        return Ending.DEADLINE
    return Ending.FAILED if _in_trouble(made) else Ending.DONE


def _in_trouble(made: Manifest) -> int:
    states = made.this_run.by_state
    return states.get(State.FAILED, 0) + states.get(State.UNCERTAIN, 0)


def _troubles(storage: Storage, made: Manifest) -> Iterator[Trouble]:
    wanted = min(_in_trouble(made), Trouble.most_told)
    if not wanted:
        return
    for row in manifest.read_rows(storage, made):
        if row.run_id == made.run_id and row.state in {State.FAILED, State.UNCERTAIN}:
            yield Trouble.of(row)
            wanted -= 1
            if not wanted:
                return
