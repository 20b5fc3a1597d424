"""What `nightscribe render` prints, and how it ends; S3 is in memory, Redis and fal are away."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from finished import FinishedArchive

from pipeline import keys
from pipeline.cli.render import render
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings


@pytest.fixture
def archive():
    made = FinishedArchive()
    made.transcribed("show/ep1.mp3")
    made.transcribed("show/evil\x1b[31m\n.mp3")
    return made


def run(archive, *words, uri="s3://podcasts/", **env):
    session = Session({"REDIS_URL": "redis://127.0.0.1:9/0"} | env)
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return CliRunner().invoke(render, [uri, *words], obj=session)


def lying(archive):
    return [listed.key for listed in archive.storage.list("podcasts", "show/ep1.mp3")]


def test_it_counts_what_was_written(archive):
    first, second = (run(archive, "--formats", "vtt, SRT,txt,json,vtt") for _ in range(2))

    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == "Rendered 2 transcripts: 8 files written, 0 unchanged.\n"
    assert second.stdout == "Rendered 2 transcripts: 0 files written, 8 unchanged.\n"
    assert lying(archive) == [
        f"show/ep1.mp3{end}" for end in ("", ".podcast.json", ".srt", ".transcript.json", ".txt", ".vtt")
    ]


def test_missing_looks_at_nothing_and_force_makes_all_again(archive):
    run(archive, "--formats", "vtt")

    assert "0 files written, 2 unchanged" in run(archive, "--formats", "vtt", "--missing").stdout
    assert "2 files written, 0 unchanged" in run(archive, "--formats", "vtt", "--force").stdout


def trouble(archive):
    archive.put("show/evil\x1b[31m\n.mp3.vtt", b"mine")
    archive.put(f"show/ep1.mp3{keys.SIDECAR_SUFFIX}", b"{}")


def test_what_could_not_be_made_is_named_with_its_key_escaped(archive):
    trouble(archive)

    outcome = run(archive, "--formats", "vtt,txt")

    assert outcome.exit_code == 1
    first, second, *summary = outcome.stdout.splitlines()
    assert first.startswith("sidecar_unreadable 'show/ep1.mp3.transcript.json'  is not a transcript that")
    assert second.startswith(r"foreign_file       'show/evil\x1b[31m\n.mp3.vtt'  was not written by Nightscribe")
    assert summary == [
        "Rendered 2 transcripts: 1 files written, 0 unchanged.",
        "Left alone, for they are not Nightscribe's or were edited: 1 files.",
        "Could not be read: 1 transcripts.",
    ]


def test_json_has_a_line_per_trouble_with_the_key_as_it_is_and_the_summary_last(archive):
    trouble(archive)

    outcome = run(archive, "--formats", "vtt,txt", "--json")

    *told, last = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [(one["trouble"], one["key"]) for one in told] == [
        ("sidecar_unreadable", "show/ep1.mp3.transcript.json"),
        ("foreign_file", "show/evil\x1b[31m\n.mp3.vtt"),
    ]
    assert last == {"summary": {"transcripts": 2, "written": 1, "unchanged": 0, "foreign": 1, "unreadable": 1}}


def test_include_and_exclude_are_about_the_audio(archive):
    assert "Rendered 1 transcripts" in run(archive, "--formats", "vtt", "--include", "*ep1*").stdout
    assert "Rendered 1 transcripts" in run(archive, "--formats", "srt", "--exclude", "*ep1*").stdout
    assert lying(archive) == ["show/ep1.mp3", "show/ep1.mp3.transcript.json", "show/ep1.mp3.vtt"]


def test_progress_is_told_in_lines_where_there_is_no_terminal():
    archive = FinishedArchive()
    for number in range(101):
        archive.transcribed(f"{number:03d}.mp3")

    outcome = run(archive, "--formats", "txt", NIGHTSCRIBE_RUN_PROGRESS_EVERY_S="0.000001")

    assert outcome.stderr.splitlines()[0] == "100 transcripts, 100 files written, at '099.mp3'"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing option '--formats'"),
        (["--formats", "vtt,pdf"], "there is no format 'pdf'; there are: json, srt, txt, vtt."),
        (["--formats", ","], "it names no format; there are: json, srt, txt, vtt."),
        (["--formats", "vtt", "--missing", "--force"], "--missing and --force exclude one another"),
    ],
)
def test_a_mistake_is_told(archive, words, message):
    outcome = run(archive, *words)

    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert len(lying(archive)) == 2


@pytest.mark.parametrize("words", [["--include", "*.ogg"], ["--output", "s3://podcasts/elsewhere/"]])
def test_where_there_is_nothing_to_render_that_is_an_error(archive, words):
    outcome = run(archive, "--formats", "vtt", *words)

    assert isinstance(outcome.exception, ConfigurationError)
    assert "There are no transcripts of s3://podcasts/" in outcome.exception.message
    assert outcome.exception.reason == "no_transcript"
