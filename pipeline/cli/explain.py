"""`nightscribe explain`: the story of one object in time order, where it stands, and what comes next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click

from pipeline import formats, keys
from pipeline.cli.live import Glance
from pipeline.cli.lookup import Lookup, Question
from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.explain import Findings, Line, Outlook, outlook, told
from pipeline.models import Place
from pipeline.printable import printable
from pipeline.redaction import redact, redact_json
from pipeline.wiring.live import open_live

_NO_OPTIONS: dict[str, Any] = {"model": None, "language": None, "task": None, "extra": {}}
_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0


@click.command()
@click.argument("recording", type=S3Uri(), metavar="s3://BUCKET/KEY")
@click.option("--output", type=S3Uri(), help="Where results are, when not beside the audio.")
@click.option(
    "--archive", type=S3Uri(), help="The archive that it belongs to, when that is neither its bucket nor a folder."
)
@json_option
@click.pass_obj
def explain(session: Session, *, recording: Place, output: Place | None, archive: Place | None, as_json: bool) -> None:
    """Tell the story of one object: what was done with it and when, where it stands, and what comes next.

    It reads what is stored in S3, and in Redis if that answers; fal is not asked and nothing is changed.

    \b
    Examples:
      nightscribe explain s3://my-podcasts/shows/ep1.mp3
      nightscribe explain s3://my-podcasts/shows/ep1.mp3 --json | jq .stands
      nightscribe explain s3://my-podcasts/2024-01.mp3 --archive s3://my-podcasts/2024
    """
    question = _question(session, recording, output, archive)
    glance = Glance(partial(open_live, session.settings), question.recording)
    try:
        findings = Lookup(session.storage, session.settings, question, glance, datetime.now(UTC)).findings()
    finally:
        glance.close()
    if not findings.has_anything:
        raise ConfigurationError(
            f"There is no object {_shown(findings.uri)}, and nothing is known of it. Check the bucket and the key; "
            f"with results in another place, name it with --output. {' '.join(findings.notes)}".rstrip(),
            "no_such_object",
        )
    lines, stands = told(findings), outlook(findings)
    if as_json:
        click.echo(json.dumps(redact_json(_as_json(findings, lines, stands)), indent=1))
    else:
        _print(findings, lines, stands)


def _question(session: Session, recording: Place, output: Place | None, archive: Place | None) -> Question:
    key = recording.prefix.removesuffix(keys.SIDECAR_SUFFIX)
    if not key:
        raise click.BadParameter(f"{recording.uri} names a bucket and no object.", param_hint="s3://BUCKET/KEY")
    if archive is not None and not (archive.bucket == recording.bucket and key.startswith(archive.prefix)):
        raise click.BadParameter(f"{recording.uri} is not under {archive.uri}.", param_hint="--archive")
    return Question(
        recording=Place(bucket=recording.bucket, prefix=key),
        output=output or Place(bucket=recording.bucket),
        archive=archive,
        recipe_hash=session.recipe(_NO_OPTIONS).hash,
    )


def _print(findings: Findings, lines: list[Line], stands: Outlook) -> None:
    for name, fact in _facts(findings):
        _say(name, fact)
    click.echo("")
    several = len({line.job_id for line in lines}) > 1
    before: Line | None = None
    for line in lines:
        passed = _passed(line.at - before.at) if before else ""
        job = f"[job {line.job_id[:8]}] " if several else ""
        click.echo(_shown(f"{_time(line.at)}  {passed:>9}  {line.what:<10} {job}{line.detail}").rstrip())
        before = line
    if lines:
        click.echo("")
    _say("now", stands.now)
    _say("next", stands.next)
    for note in findings.notes:
        _say("note", note)


def _say(name: str, fact: str) -> None:
    click.echo(f"{name:<11} {_shown(fact)}")


def _facts(findings: Findings) -> Iterator[tuple[str, str]]:
    yield "object", findings.uri
    yield "version", _version(findings)
    if stamp := findings.stamp:
        cost = "unknown" if stamp.cost_usd is None else f"{stamp.cost_usd:.6f} USD"
        duration = "unknown" if stamp.duration_s is None else formats.timestamp(stamp.duration_s)
        yield (
            "transcript",
            (
                f"{findings.output.uri}{findings.recording.prefix}{keys.SIDECAR_SUFFIX}: {stamp.endpoint_id}, language "
                f"{stamp.language or 'unknown'}, length {duration}, cost {cost}, request {stamp.request_id}, attempts "
                f"{stamp.attempts}"
            ),
        )
    for unplaced in findings.unplaced:
        yield "kept", f"{unplaced.uri}, paid for and not beside the audio"
    if row := findings.row:
        yield "row", f"{row.state}{f' ({row.reason})' if row.reason else ''} in the {findings.row_source}"
    if run := findings.live.run if findings.live else None:
        is_on = "its dispatcher is alive" if run.dispatcher_alive else "not dispatched now"
        yield "run", f"{run.run_id} of {run.archive_uri}: {run.outstanding} outstanding, {is_on}"
    elif findings.unfinished:
        yield "run", f"{findings.unfinished.run_id} of {findings.archive.uri} has not finished"


def _version(findings: Findings) -> str:
    audio, known = findings.audio, findings.etag_of_story
    if audio is None:
        return f"gone; the story is about ETag {known}" if known else "there is no such object"
    now = f"{audio.size_bytes:,} bytes, ETag {audio.etag}"
    if known is None:
        return now
    return (
        f"{now}, as in the story" if known == audio.etag else f"{now}; the story is about ETag {known}: replaced since"
    )


def _as_json(findings: Findings, lines: list[Line], stands: Outlook) -> dict[str, Any]:
    live = findings.live
    return {
        "uri": findings.uri,
        "stands": stands.stands,
        "now": stands.now,
        "next": stands.next,
        "object": findings.audio.model_dump(mode="json") if findings.audio else None,
        "etag_of_story": findings.etag_of_story,
        "transcript": findings.stamp.model_dump(mode="json") if findings.stamp else None,
        "kept": [unplaced.uri for unplaced in findings.unplaced],
        "row": findings.row.model_dump(mode="json") if findings.row else None,
        "row_source": findings.row_source or None,
        "unfinished_run": findings.unfinished.run_id if findings.unfinished else None,
        "live": asdict(live) if live else None,
        "story": [
            {"at": line.at.isoformat(), "what": line.what, "detail": line.detail, "job_id": line.job_id}
            for line in lines
        ],
        "notes": list(findings.notes),
    }


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _passed(since: timedelta) -> str:
    seconds = since.total_seconds()
    if seconds < _MINUTE_S:
        return f"+{seconds:.1f} s"
    if seconds < _HOUR_S:
        return f"+{seconds / _MINUTE_S:.1f} min"
    return f"+{seconds / _HOUR_S:.1f} h" if seconds < _DAY_S else f"+{seconds / _DAY_S:.1f} d"


def _shown(text: str) -> str:
    """For a terminal: without secrets, and with control characters as their escapes."""
    return printable(redact(text))
