"""`make live`: checks with FAL_KEY, for a cent or two, what only a real account can tell (docs/fal.md section 17).

Exit codes: 0 all that the code rests on is as it takes it to be; 1 something is not, or was not found out; 2 no key, or
nobody has agreed to the cost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from live import report
from live.asking import COSTS_AT_MOST_USD, Account, Observed

from pipeline.errors import ConfigurationError
from pipeline.settings import fal_key, load_settings

DONE, TROUBLE, USAGE = 0, 1, 2
_REPORT = Path(".live") / "report.json"


def main(words: list[str]) -> int:
    """Runs it."""
    options = _options(words)
    if options.page:
        _print(report.page_table())
        return DONE
    key = fal_key(os.environ)
    if key is None:
        _say("Error: FAL_KEY is not set, and only a real account can answer. Get a key at fal.ai/dashboard/keys.")
        return USAGE
    try:
        fal = load_settings(os.environ).settings.fal
    except ConfigurationError as error:
        _say(f"Error: {error.message}")
        return USAGE
    at_most = sum(COSTS_AT_MOST_USD.values())
    _say(
        f"This asks {fal.queue_url} {len(report.ASKED)} questions with {len(COSTS_AT_MOST_USD)} paid requests of five "
        f"seconds each. It costs less than {at_most:.3f} USD, by all that is known; its prices are not certain."
    )
    if not (options.yes or _agreed()):
        _say("Nothing was asked. Agree with YES=1.")
        return USAGE
    observed = asyncio.run(Account(fal, key, patience_s=options.patience_s, say=_say).ask_everything())
    return _told(observed, options.report)


def _told(observed: Observed, file: Path) -> int:
    found = report.findings(observed)
    for line in report.lines(found):
        _print(line)
    cost_usd = report.cost_usd(observed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(report.as_json(found, observed, datetime.now(UTC), cost_usd), "utf-8")
    spent = "an unknown sum" if cost_usd is None else f"{cost_usd:.4f} USD, as far as fal has told units and prices"
    _say(f"It cost {spent}. The report is in {file}.")
    if troubles := report.troubles(found):
        _say(f"The code rests on {len(troubles)} points that are not so: {', '.join(p.name for p in troubles)}.")
        return TROUBLE
    return DONE


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make live", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="agree to the cost")
    parser.add_argument("--report", type=Path, default=_REPORT, help="where to write what was found")
    parser.add_argument("--patience-s", type=float, default=180.0, help="how long to wait for each request")
    parser.add_argument("--page", action="store_true", help="print the table of docs/fal-live.md and ask nobody")
    return parser.parse_args(words)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
