"""`make chaos`: puts Nightscribe, and its peers beside it, under the same seeded faults, and prints what came of it."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chaos import report
from chaos.contestants import Contestant, FalClientInCelery, FalClientScript, Nightscribe
from chaos.sizes import SIZES, Size
from chaos.stand import Stand
from chaos.trial import Trial, run_trial

_PEERS = {"script": FalClientScript, "celery": FalClientInCelery}
_CHOICES = ["nightscribe", *_PEERS]


def main(words: list[str]) -> int:
    """0 when Nightscribe kept its promise, 1 when not. What a peer does changes nothing about that."""
    options = _parser().parse_args(words)
    size = SIZES[options.size]
    folder = options.folder / time.strftime("%Y%m%d-%H%M%S")
    say(f"SEED={options.seed} SIZE={size.name}: {size.objects} recordings and {size.kills} kills; logs in {folder}")
    trials: list[Trial] = []
    for choice in options.only or _CHOICES:
        say(f"\n{choice}")
        trial = run_trial(_maker(choice, size), size, options.seed, folder / choice, say=say)
        say("\n".join(report.details(trial)))
        trials.append(trial)
    say("\n" + "\n".join(report.table(trials)))
    ours = [trial for trial in trials if trial.contestant == Nightscribe.name]
    if ours:
        kept = not any(trial.failures for trial in ours)
        again = f"make chaos SIZE={size.name} SEED={options.seed}"
        say(f"\nThe promise was {'kept' if kept else 'BROKEN'}. The same schedule again: {again}")
    return 1 if any(trial.failures for trial in ours) else 0


def say(line: str) -> None:
    """Prints at once: a long run is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _maker(choice: str, size: Size) -> Callable[[Stand], Contestant]:
    return _PEERS.get(choice) or (lambda stand: Nightscribe(stand, size.ceilings_h))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help="of faults and kills (random)")
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--only", choices=_CHOICES, action="append", help="one contestant; repeatable (all)")
    parser.add_argument("--folder", type=Path, default=Path(".test/chaos"), help="takes data and logs (.test/chaos)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
