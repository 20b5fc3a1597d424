"""The options that say what is asked of a model: one vocabulary on the command line, whatever the model."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.options import recipe_options
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError

SCRIBE_V2 = "fal-ai/elevenlabs/speech-to-text/scribe-v2"


@click.command()
@recipe_options
@click.pass_obj
def recipe_of(session, **options):
    click.echo(json.dumps(session.recipe(options).model_dump(mode="json")))


def invoke(*words, **environment):
    return CliRunner().invoke(recipe_of, words, obj=Session(environment))


def arguments(*words, **environment):
    outcome = invoke(*words, **environment)
    assert outcome.exit_code == 0, outcome.output + repr(outcome.exception)
    return json.loads(outcome.stdout)["arguments"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"task": "transcribe"}),
        (["--language", "deu"], {"task": "transcribe", "language": "de"}),
        (["--translate"], {"task": "translate"}),
        (["--task", "translate", "--translate"], {"task": "translate"}),
        (["--diarize"], {"task": "transcribe", "diarize": True}),
        (["--speakers", "2"], {"task": "transcribe", "diarize": True, "num_speakers": 2}),
        (["--words", "--prompt", "Ada"], {"task": "transcribe", "chunk_level": "word", "prompt": "Ada"}),
        (["--prompt", ""], {"task": "transcribe"}),
        (["--diarize", "--arg", "diarize=false"], {"task": "transcribe"}),
        (
            ["--model", SCRIBE_V2, "--keyterms", "Ada, Lovelace,,Ada", "--keyterms", "fal"],
            {"diarize": False, "keyterms": ["Ada", "Lovelace", "fal"]},
        ),
        (["--model", "acme/ears", "--arg", "diarize=true", "--language", "de"], {"language": "de", "diarize": True}),
    ],
)
def test_options_become_arguments(words, expected):
    assert arguments(*words) == expected


def test_settings_speak_where_the_command_line_is_silent():
    settings = {"NIGHTSCRIBE_RECIPE_MODEL": "fal-ai/cohere-transcribe", "NIGHTSCRIBE_RECIPE_LANGUAGE": "de"}

    assert arguments(**settings) == {"language": "de"}
    assert arguments("--language", "fr", **settings) == {"language": "fr"}


@pytest.mark.parametrize("words", [["--speakers", "0"], ["--speakers", "two"], ["--task", "transcribe", "--translate"]])
def test_options_that_make_no_sense_are_refused(words):
    outcome = invoke(*words)

    assert (outcome.exit_code, type(outcome.exception)) == (2, SystemExit)


def test_what_the_model_cannot_do_ends_the_command():
    assert isinstance(invoke("--model", "fal-ai/wizper", "--diarize").exception, ConfigurationError)


def test_an_argument_nobody_here_knows_is_named_in_one_line():
    outcome = invoke("--model", "xai/speech-to-text/v1", "--arg", "multichannel=true", "--arg", "diarize=true")

    assert json.loads(outcome.stdout)["arguments"] == {"multichannel": True, "diarize": True}
    assert outcome.stderr.splitlines() == [
        "Only a part of xai/speech-to-text/v1's arguments is known here. Passed on unchecked: multichannel."
    ]


def test_nothing_is_said_of_arguments_that_are_known():
    assert not invoke("--model", "xai/speech-to-text/v1", "--diarize").stderr
    assert not invoke("--model", "acme/ears", "--arg", "x=1").stderr
