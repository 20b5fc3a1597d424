"""`python -m emulator WORD ...`: hands over to the `run(argv)` of emulator.WORD.main and does nothing else.

The module is imported only when it is asked for, so that `fal` starts without what `demo` or `stack` need.
"""

import importlib
import sys

COMMANDS = {
    "fal": "serve an emulation of fal's queue API",
    "stack": "start Redis, S3 and the fal emulator together",
    "demo": "show the whole pipeline on the embedded stack",
    "crowd": "give a running stack hundreds of small recordings",
}


def main(argv: list[str]) -> int:
    """Runs the command named by the first word; 2 when there is none of that name."""
    if not argv or argv[0] not in COMMANDS:
        lines = [f"  {name:6} {text}" for name, text in COMMANDS.items()]
        sys.stderr.write("\n".join(["usage: python -m emulator COMMAND [--help]", "", *lines, ""]))
        return 0 if argv[:1] == ["--help"] else 2
    module = importlib.import_module(f"emulator.{argv[0]}.main")
    return int(module.run(argv[1:]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
