"""`make bench-scale`: how time, memory and S3 requests grow with an archive, beside plain listings of the same keys.

python -m bench scale [--sizes 10000,100000,1000000] [--parts night,first] [--out RESULTS.json]
python -m bench plot RESULTS.json IMAGE.svg
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.archive import SHAPES
from bench.measuring import MeasuringError
from bench.plot import plot
from bench.scale import PARTS, Plan, scale

from emulator.stack.processes import StackError

T = TypeVar("T")


def main(words: list[str]) -> int:
    """0 when every bound of requests is kept, 1 when not or when something did not work."""
    options = _parser().parse_args(words)
    try:
        code: int = options.act(options)
    except (MeasuringError, StackError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return code


def say(line: str) -> None:
    """Prints at once: a long run is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _scale(options: argparse.Namespace) -> int:
    plan = Plan(
        sizes=options.sizes,
        parts=options.parts,
        latencies_s=tuple(milliseconds / 1000 for milliseconds in options.latencies_ms),
        rounds=options.rounds,
        new=options.new,
        shape=options.shape,
    )
    broken = scale(plan, options.folder, options.out, say)
    say(f"\nResults are in {options.out}.")
    for fault in broken:
        say(f"BROKEN: {fault}")
    return 1 if broken else 0


def _plot(options: argparse.Namespace) -> int:
    plot(options.results, options.image)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    acts = parser.add_subparsers(required=True)
    measuring = acts.add_parser("scale", help="measure, print tables, write the results")
    measuring.set_defaults(act=_scale)
    sizes = "audio objects, comma-separated (10000,100000,1000000)"
    measuring.add_argument("--sizes", type=_list_of(_count), default=(10_000, 100_000, 1_000_000), help=sizes)
    measuring.add_argument("--parts", type=_list_of(_part), default=PARTS, help="night, first or both")
    measuring.add_argument("--latencies-ms", type=_list_of(float), default=(0.0, 20.0), help="per page of a listing")
    measuring.add_argument("--rounds", type=_count, default=3, help="of each listing; tables show medians (3)")
    measuring.add_argument("--new", type=_count, default=100, help="objects without a transcript in a night (100)")
    measuring.add_argument("--shape", choices=sorted(SHAPES), default="dated", help="of the keys (dated)")
    measuring.add_argument("--folder", type=Path, default=Path(".test/bench"), help="takes data and logs (.test/bench)")
    measuring.add_argument("--out", type=Path, default=Path(".test/bench.json"), help="results (.test/bench.json)")
    drawing = acts.add_parser("plot", help="draw the results")
    drawing.set_defaults(act=_plot)
    drawing.add_argument("results", type=Path)
    drawing.add_argument("image", type=Path)
    return parser


def _list_of(kind: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    def read(text: str) -> tuple[T, ...]:
        return tuple(kind(word) for word in text.split(","))

    return read


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"there is no part {text!r}; there are {', '.join(PARTS)}")
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
