"""How the demo looks: headings, tables and the excerpt, with rich. Decides nothing and reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emulator.archive.episodes import Episode, Expected
from emulator.demo.accuracy import Accuracy
from emulator.demo.results import Archive, Row

_EXCERPT_SEGMENTS = 7
_COLOURS = {"done": "green", "failed": "red", "skipped": "yellow"}


class Screen:
    """Writes to standard output; plain text when that is no terminal."""

    def __init__(self) -> None:
        # Wide enough for the tables where there is no terminal to ask.
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, width=120)
        self._step = 0

    def step(self, title: str) -> None:
        """A numbered heading."""
        self._step += 1
        self.console.print(f"\n[bold]{self._step}. {escape(title)}[/bold]")

    def say(self, text: str) -> None:
        """A line of plain text; nothing in it is taken for markup."""
        self.console.print(escape(text))

    def facts(self, facts: Mapping[str, str]) -> None:
        """Names and values, one a line."""
        for name, value in facts.items():
            self.console.print(f"   [dim]{name:8}[/dim] {escape(value)}", soft_wrap=True)

    def objects(self, episodes: Sequence[Episode], sizes: Mapping[str, int]) -> None:
        """The archive before the run."""
        table = _table("object", ">size", ">duration", "what it is")
        for episode in episodes:
            about = (
                str(episode.damage) if episode.damage else f"{episode.encoding.name.lower().replace('_', ' ')}, speech"
            )
            table.add_row(escape(episode.key), f"{sizes[episode.key]:,}", _clock(episode.duration_s), about)
        self.console.print(table)

    def rows(self, rows: Sequence[Row]) -> None:
        """The manifest after the run, one line per object."""
        table = _table("object", "state", ">duration", ">words", ">time", ">cost")
        for row in rows:
            colour = _COLOURS.get(row.state, "white")
            state = "done: no speech" if row.speech is False else row.state
            if row.reason and row.state != "done":
                state = f"{row.state}: {row.reason}"
            table.add_row(
                escape(row.key),
                f"[{colour}]{escape(state)}[/{colour}]",
                _clock(row.duration_s),
                _blank(row.words, ",d"),
                _blank(row.processing_s, ".1f", " s"),
                _blank(row.cost_usd, ".4f", " USD"),
            )
        self.console.print(table)
        for row in rows:
            if row.message and row.state != "done":
                self.say(f"   {row.key.rsplit('/', 1)[-1]}: {row.message}")

    def accuracy(self, accuracy: Accuracy, limit: float) -> None:
        """The word error rate, with the counts behind it."""
        self.console.print(
            f"   [bold]{accuracy.word_error_rate:.1%}[/bold] of {accuracy.words:,} words were misheard "
            f"({accuracy.errors} errors; the limit is {limit:.0%}). The model is whisper tiny.en, on this CPU."
        )

    def excerpt(self, key: str, sidecar: Mapping[str, Any]) -> None:
        """The beginning of one transcript with its times."""
        self.console.print(f"   [dim]{escape(key)}.transcript.json[/dim]", soft_wrap=True)
        for segment in sidecar["segments"][:_EXCERPT_SEGMENTS]:
            times = f"{_clock(segment['start'], 2)} \N{RIGHTWARDS ARROW} {_clock(segment['end'], 2)}"
            self.console.print(f"   [cyan]{times}[/cyan]  {escape(segment['text'].strip())}")
        self.say(f"   request {sidecar['request']['request_id']}, language {sidecar['language']}")

    def totals(self, archive: Archive) -> None:
        """The sums that the manifest states."""
        totals = archive.manifest["totals"]
        self.console.print(f"   [dim]{escape(archive.manifest_key)}[/dim]", soft_wrap=True)
        self.say(f"   objects {totals['objects']}: {_counts(totals['by_state'])}")
        if totals["by_reason"]:
            self.say(f"   reasons: {_counts(totals['by_reason'])}")
        self.say(
            f"   {_clock(totals['audio_s'])} of audio, {totals['words']:,} words, {totals['cost_usd']:.4f} USD "
            "(an invented price; nobody is billed)"
        )

    def problems(self, problems: Sequence[str]) -> None:
        """What is wrong, or that nothing is."""
        for problem in problems:
            self.console.print(f"   [red]wrong:[/red] {escape(problem)}")
        if not problems:
            self.console.print("   [green]All as it must be.[/green]")


def expected_counts(episodes: Sequence[Episode]) -> str:
    """For the heading of the archive: how many of each kind."""
    kinds = [episode.expected for episode in episodes]
    good, silent, bad = (kinds.count(kind) for kind in (Expected.DONE, Expected.NO_SPEECH, Expected.FAILED))
    return f"{good} good episodes, {silent} of silence, {bad} that are no audio"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 3), header_style="dim")
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return table


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _clock(seconds: float | None, decimals: int = 0) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds, decimals), 60)
    width = 2 if decimals == 0 else 3 + decimals
    return f"{minutes:.0f}:{rest:0{width}.{decimals}f}"


def _blank(value: float | None, form: str, unit: str = "") -> str:
    return "" if value is None else f"{value:{form}}{unit}"
