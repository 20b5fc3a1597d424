"""From sums and experience to a forecast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pipeline import pricing
from pipeline.forecast.decided import Decided, Sizes
from pipeline.forecast.experience import Experience
from pipeline.forecast.interval import Interval
from pipeline.forecast.requests import RunWork, requests_of_run
from pipeline.models import Manifest, Price
from pipeline.settings import Settings

_ROUNDED_UP_BY = (0.0, 0.5, 1.0)  # of a step in which fal bills: nothing, half of it on average, all of it
_ASSUMED_WITHIN = 2.0  # bit rates of spoken word lie between half and twice the assumed one


@dataclass(frozen=True, slots=True)
class Audio:
    """Some jobs, their audio, and fal's price for it."""

    jobs: int
    size_bytes: int
    audio_s: Interval
    cost_usd: Interval | None
    """None when no price is known."""


@dataclass(frozen=True, slots=True)
class TimeNeeded:
    """How long the run takes, and why."""

    takes_s: Interval
    speed: float
    """How much faster than listening one request is."""
    at_once: int
    """Requests in flight at fal."""
    basis: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a backfill will take."""

    total: Audio
    again: Audio
    """The part of it that was paid for before."""
    audio_basis: str
    cost_basis: str
    requests: Counter[str]
    """To S3, by method; fal's downloads are among them."""
    requests_usd: float
    download_usd: float
    """What the store charges for the bytes that fal downloads."""
    time: TimeNeeded


def forecast(
    decided: Decided,
    experience: Experience,
    settings: Settings,
    *,
    endpoint_id: str,
    price: Price | None,
    formats: int,
    asked: Mapping[str, int],
    last: Manifest | None,
    paid_before: Collection[str] = (),
) -> Forecast:
    """What a backfill of these decisions will take.

    `formats`: how many are written beside each sidecar; `asked`: what planning has asked of S3, by method, for the
    backfill plans anew; `last`: the manifest that `experience` comes from; `paid_before`: by what names the plan finds
    objects that were paid for before.
    """
    reckoning = _Reckoning(experience, settings, price, last)
    every = list(decided.jobs_as.values())
    again = [sizes for name, sizes in decided.jobs_as.items() if name in paid_before]
    total = reckoning.audio(every)
    time = reckoning.time(every, total)
    work = RunWork(
        jobs=total.jobs,
        formats=formats,
        # Rows of objects that a list of keys does not name stay. (What it names anew may begin one part more.)
        rows=max(decided.objects, (last.totals.objects if last else 0) - decided.gone),
        has_news=decided.has_news,
        last_parts=len(last.parts) if last else 0,
        takes_s=time.takes_s.likely,
    )
    requests = requests_of_run(work, settings.run) + Counter(asked)
    return Forecast(
        total=total,
        again=reckoning.audio(again),
        audio_basis=reckoning.audio_basis(every),
        cost_basis=pricing.cost_of(price, endpoint_id, 0.0).basis,
        requests=requests,
        requests_usd=pricing.requests_usd(settings.s3_prices, requests),
        download_usd=pricing.download_usd(settings.s3_prices, total.size_bytes),
        time=time,
    )


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """What is reckoned with."""

    experience: Experience
    settings: Settings
    price: Price | None
    last: Manifest | None

    def audio(self, parts: Sequence[Sizes]) -> Audio:
        lengths = [self._length(kind, size) for sizes in parts for kind, size in sizes.by_kind.items()]
        known_s = sum(sizes.known_s for sizes in parts)
        audio_s = reduce(Interval.plus, lengths, _exactly(known_s))
        jobs = sum(sizes.objects for sizes in parts)
        costs = [
            pricing.total_usd(self.price, seconds, jobs, rounding=rounding)
            for seconds, rounding in zip(audio_s, _ROUNDED_UP_BY, strict=True)
        ]
        known = [usd for usd in costs if usd is not None]
        return Audio(
            jobs=jobs,
            size_bytes=sum(sizes.size_bytes for sizes in parts),
            audio_s=audio_s,
            cost_usd=Interval(*known) if known else None,
        )

    def audio_basis(self, parts: Sequence[Sizes]) -> str:
        kinds = {kind for sizes in parts for kind in sizes.by_kind}
        measured = {kind for kind in kinds if self.experience.s_per_byte(kind)}
        said = []
        if known := sum(sizes.known for sizes in parts):
            said.append(f"{known:,} objects known")
        if measured:
            said.append(f"{_named(measured)} measured on {self.experience.recordings(measured):,} recordings")
        said = [f"{' and '.join(said)} in {self._run}"] if said else []
        if assumed := kinds - measured:
            said.append(f"{_named(assumed)} assumed by usual bit rates, half to twice")
        return "; ".join(said)

    def time(self, parts: Sequence[Sizes], total: Audio) -> TimeNeeded:
        limits, speed = self.settings.limits, self.experience.speed
        running = limits.concurrency
        if speed is None:
            speed, in_flight = self.settings.forecast.assumed_speed, running
            basis = "assumed: forecast.assumed_speed"
        else:
            # A time that was measured has the surplus waiting at fal in it, so that all in flight count.
            in_flight = max(1, round(running * limits.overcommit))
            basis = f"measured on {self.experience.timed_recordings:,} recordings in {self._run}"
        lengths = [self._length(kind, size) for sizes in parts for kind, size in sizes.largest.items()]
        lengths += [_exactly(sizes.longest_s) for sizes in parts]

        def takes_s(bound: int, at_once: int) -> float:
            longest_s = max((length[bound] for length in lengths), default=0.0)
            return max(total.audio_s[bound] / speed / at_once, longest_s / speed, total.jobs / limits.submits_per_s)

        # The last bound also holds for a time that was measured in runs too small to have a surplus.
        takes = Interval(takes_s(0, in_flight), takes_s(1, in_flight), takes_s(2, running))
        return TimeNeeded(takes, speed, min(in_flight, total.jobs), basis)

    @property
    def _run(self) -> str:
        return f"run {self.last.run_id}" if self.last else "no run"

    def _length(self, kind: str, size_bytes: int) -> Interval:
        s_per_byte = self.experience.s_per_byte(kind)
        if s_per_byte is None:
            likely = pricing.assumed_s_per_byte(self.settings.audio, kind)
            s_per_byte = Interval(likely / _ASSUMED_WITHIN, likely, likely * _ASSUMED_WITHIN)
        return s_per_byte.times(size_bytes)


def _exactly(figure: float) -> Interval:
    return Interval(figure, figure, figure)


def _named(kinds: Iterable[str]) -> str:
    return ", ".join(sorted(kind or "others" for kind in kinds))
