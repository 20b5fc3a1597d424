"""Shows by hours and cost. A show is the first folder below the archive's prefix, or else of the key."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from pipeline.models import Place, RememberedRow, State

_MOST = 4000  # so many are counted apart, some megabytes; whoever has more sees the sum of the others


@dataclass(slots=True)
class Show:
    """The sums of a show over the archive, and over this run."""

    name: str | None
    """None: of keys without a folder."""
    episodes: int = 0
    """Transcribed ones."""
    failing: int = 0
    """Failed or uncertain ones."""
    audio_s: float = 0.0
    cost_usd: float = 0.0
    """Also of what failed after it was paid for, as in the manifest's totals."""
    cost_unknown: int = 0
    """Transcribed episodes whose cost is not known."""
    run_episodes: int = 0
    run_audio_s: float = 0.0
    run_cost_usd: float = 0.0
    run_cost_unknown: int = 0

    def join(self, other: Show) -> None:
        """Adds another one to this."""
        self.episodes += other.episodes
        self.failing += other.failing
        self.audio_s += other.audio_s
        self.cost_usd += other.cost_usd
        self.cost_unknown += other.cost_unknown
        self.run_episodes += other.run_episodes
        self.run_audio_s += other.run_audio_s
        self.run_cost_usd += other.run_cost_usd
        self.run_cost_unknown += other.run_cost_unknown


class Shows:
    """The shows of an archive, counted while its rows pass in key order."""

    def __init__(self, archive: Place) -> None:
        self._below = archive.prefix.rfind("/") + 1  # `shows/a` is an archive too, of all keys that begin so
        self._shows: dict[str | None, Show] = {}
        self._others = Show(None)
        self.uncounted_apart = False
        """Whether there are more than are counted apart."""

    def add(self, row: RememberedRow, *, of_run: bool) -> None:
        """Counts a row."""
        if row.state is State.DONE:
            show = self._of(row.key)
            audio_s, is_unknown = row.duration_s or 0.0, row.cost_usd is None
            show.episodes += 1
            show.audio_s += audio_s
            show.cost_unknown += is_unknown
            if of_run:
                show.run_episodes += 1
                show.run_audio_s += audio_s
                show.run_cost_unknown += is_unknown
        elif row.state is State.FAILED or row.state is State.UNCERTAIN:
            self._of(row.key).failing += 1
        if row.cost_usd:
            show = self._of(row.key)
            show.cost_usd += row.cost_usd
            show.run_cost_usd += row.cost_usd if of_run else 0.0

    def largest(self, number: int) -> tuple[list[Show], int, Show]:
        """Those with the most hours, how many others there are, and their sums."""
        largest = heapq.nlargest(number, self._shows.values(), key=lambda show: (show.audio_s, show.episodes))
        named = {show.name for show in largest}
        others = Show(None)
        others.join(self._others)
        for show in self._shows.values():
            if show.name not in named:
                others.join(show)
        return largest, len(self._shows) - len(largest), others

    def _of(self, key: str) -> Show:
        end = key.find("/", self._below)
        # As `nightscribe query` names them: where there is no folder below, the first one of the key.
        name = key[self._below : end] if end >= 0 else key[: key.find("/")] if "/" in key else None
        show = self._shows.get(name)
        if show is None:
            if len(self._shows) >= _MOST:
                self.uncounted_apart = True
                return self._others
            show = self._shows[name] = Show(name)
        return show
