"""Explores further than the tests do: `PYTHONPATH=tests .venv/bin/python -m model --faults 3 --kinds crash sleep`."""

from __future__ import annotations

import argparse
import sys

from model.explorer import Explorer
from model.surroundings import KINDS
from model.world import Bounds


def main() -> int:
    """Prints what was explored; a finding, with its story, exits 1."""
    parser = argparse.ArgumentParser(prog="model", description=__doc__)
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1)
    parser.add_argument("--faults", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--moments", type=int, nargs="*", default=[0], help="of the clock, from 0 to 3")
    parser.add_argument("--permits", type=int)
    parser.add_argument("--ceiling", type=int, help="in whole jobs")
    parser.add_argument("--runs", type=int, default=1)
    options = vars(parser.parse_args())
    kinds, moments = frozenset(options.pop("kinds")), tuple(options.pop("moments"))
    explored = Explorer(Bounds(**options, kinds=kinds, moments=moments)).run()
    sys.stdout.write(f"{explored}\n{dict(explored.rows)}\n{explored.finding or 'nothing is broken'}\n")
    return 1 if explored.finding else 0


if __name__ == "__main__":
    sys.exit(main())
