"""Progress of a pass whose length nobody knows: a moving bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.cli.progress import said_every
from pipeline.printable import printable


@contextmanager
def pulse(every_s: float) -> Iterator[Callable[[str], None]]:
    """What says how far it is: a line without control characters and markup, on standard error."""
    if not sys.stderr.isatty():
        yield said_every(every_s)
        return
    bar = Progress(
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
        # What is printed goes above the bar, unless it goes to a file or a pipe.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda line: bar.update(task, description=printable(line))
