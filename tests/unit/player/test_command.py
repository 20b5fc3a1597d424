"""The options of `nightscribe show --html`, which need no server to be refused."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipeline.cli import nightscribe


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--html", "--json"], "Ask for one of them"),
        (["--html", "--format", "srt"], "Ask for one of them"),
        (["--port", "8080"], "add --html"),
        (["--no-open"], "add --html"),
        (["--html", "--port", "70000"], "--port"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words, said):
    outcome = CliRunner().invoke(nightscribe, ["show", "s3://b/a.mp3", *words])

    assert outcome.exit_code == 2
    assert said in outcome.stderr
