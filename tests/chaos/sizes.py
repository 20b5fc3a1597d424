"""How large a chaos run is: one record per size, with the reason for each figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """What is transcribed, by how many, and what is done to them."""

    name: str
    objects: int
    """Good recordings; each must be billed exactly once."""
    bad: int
    """Recordings that nothing can be made of, beside them: each must become one row with its reason."""
    workers: int
    slots: int
    """Jobs that one worker holds."""
    concurrency: int
    """What the emulated fal works on at once; the permits are half as many again."""
    service_s: float
    """How long fal works on one recording, give or take half of it. Shorter than a lease, so that what a dead
    worker had in flight is over when its permits are given to others."""
    kill_workers: int
    kill_dispatchers: int
    kill_redis: int
    """Killed and started again with its data."""
    kill_redis_for_good: int
    """Killed and started again empty."""
    flushes: int
    redis_drops: int
    freezes: int
    """Workers stopped for longer than their leases, then woken."""
    rivals: int
    """Dispatchers stopped for longer than their lease, while another one is started that takes the run over."""
    storms: int
    """Times when fal refuses most submissions with 429."""
    brown_outs: int
    """Times when S3 answers everything with 503."""
    ceilings_h: tuple[float, ...]
    """Hours of audio that the run may bill, before it may bill all: it stops at each and goes on with the next."""
    patience_s: float
    """How long a machine that is busy with other things may take."""

    @property
    def kills(self) -> int:
        """How often a process is ended by SIGKILL."""
        return self.kill_workers + self.kill_dispatchers + self.kill_redis + self.kill_redis_for_good


TINY = Size(
    name="tiny",
    objects=16,
    bad=5,
    workers=2,
    slots=6,
    concurrency=3,
    service_s=0.4,
    kill_workers=1,
    kill_dispatchers=1,
    kill_redis=0,
    kill_redis_for_good=0,
    flushes=0,
    redis_drops=1,
    freezes=0,
    rivals=0,
    storms=0,
    brown_outs=1,
    ceilings_h=(),
    patience_s=180,
)

SMALL = Size(
    name="small",
    objects=300,
    bad=12,
    workers=3,
    slots=8,
    concurrency=5,
    service_s=0.6,
    kill_workers=22,
    kill_dispatchers=5,
    kill_redis=3,
    kill_redis_for_good=2,
    flushes=2,
    redis_drops=3,
    freezes=3,
    rivals=2,
    storms=2,
    brown_outs=2,
    ceilings_h=(0.1,),  # of 0.25
    patience_s=600,
)

LARGE = Size(
    name="large",
    objects=10_000,
    bad=200,
    workers=4,
    slots=16,
    concurrency=12,
    service_s=0.8,
    kill_workers=230,
    kill_dispatchers=50,
    kill_redis=20,
    kill_redis_for_good=10,
    flushes=10,
    redis_drops=30,
    freezes=25,
    rivals=15,
    storms=15,
    brown_outs=15,
    ceilings_h=(3.0, 6.0),  # of 8.3
    patience_s=3 * 3600,
)

SIZES = {size.name: size for size in (TINY, SMALL, LARGE)}
