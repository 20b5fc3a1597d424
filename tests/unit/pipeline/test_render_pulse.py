"""Progress of a pass whose length nobody knows, on a terminal and elsewhere."""

from __future__ import annotations

import io
import sys

import click

from pipeline.cli.pulse import pulse


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


def test_on_a_terminal_there_is_a_bar_and_what_is_printed_goes_where_it_belongs(monkeypatch):
    terminal, printed = Terminal(), io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", printed)

    with pulse(every_s=1000) as say:
        say("12 transcripts, at '[red]\x07.mp3'")
        click.echo('{"trouble": "foreign_file"}')

    assert "12 transcripts, at '[red]" in terminal.getvalue()
    assert "\x07" not in terminal.getvalue()
    assert printed.getvalue() == '{"trouble": "foreign_file"}\n'


def test_elsewhere_there_are_lines_now_and_then(capsys):
    with pulse(every_s=0) as say:
        say("12 transcripts")
    with pulse(every_s=1000) as say:
        say("13 transcripts")

    assert capsys.readouterr().err == "12 transcripts\n"
