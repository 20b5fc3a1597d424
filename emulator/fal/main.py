"""The command line of the fal emulator: `python -m emulator fal ...`. Reads options and keys, then serves."""

import argparse
import importlib.util
import logging
import os
import sys
from pathlib import Path

from emulator.fal.server import loopback_host, run_server
from emulator.fal.settings import EmulatorSettings

KEY_VARIABLE = "EMULATOR_FAL_KEY"
_DEFAULTS = EmulatorSettings(keys=frozenset())


def run(argv: list[str]) -> int:
    """Serves until SIGTERM; 2 when something is wrong with the options, with a sentence on standard error."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # These write whole URLs, where the signatures are, or a line per file.
    for name in ("httpx", "httpcore", "faster_whisper", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        run_server(_settings(options))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"emulator fal: {error}\n")
    return 2


def _settings(options: argparse.Namespace) -> EmulatorSettings:
    if options.engine == "whisper":
        if options.no_download:
            raise ValueError("--no-download needs --engine scripted: the whisper engine listens to the audio")
        if importlib.util.find_spec("faster_whisper") is None:
            raise ValueError("the whisper engine needs the demo extra: pip install 'nightscribe[demo]'")
    if (options.tunnel_port_file is None) != (options.ca_file is None):
        raise ValueError("--tunnel-port-file and --ca-file belong together: nobody trusts the tunnel without both")
    named = {name: value for name, value in vars(options).items() if name not in {"key_file", "no_download"}}
    named["host"] = loopback_host(options.host)
    return EmulatorSettings(keys=_keys(options.key_file), download=not options.no_download, **named)


def _keys(file: Path | None) -> frozenset[str]:
    # Never on the command line: every process of the machine can read that.
    text = file.read_text() if file else os.environ.get(KEY_VARIABLE, "").replace(",", "\n")
    keys = frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not keys:
        raise ValueError(f"no API key to accept: give --key-file, one key a line, or set {KEY_VARIABLE}")
    return keys


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emulator fal", description="Serve an emulation of fal's queue API.")
    add = parser.add_argument
    add("--host", default=_DEFAULTS.host, help="a loopback address")
    add("--port", type=int, default=_DEFAULTS.port, help="0 picks a free one")
    add("--port-file", type=Path, help="where to write the port as soon as it listens")
    add("--tunnel-port-file", type=Path, help="open an HTTPS proxy that leads fal's host names here; write its port")
    add("--ca-file", type=Path, help="where the tunnel writes the certificate that its callers must trust")
    add("--key-file", type=Path, help=f"accepted API keys, one a line; else the variable {KEY_VARIABLE}")
    add("--engine", choices=["whisper", "scripted"], default=_DEFAULTS.engine)
    add("--concurrency", type=_positive(int), default=_DEFAULTS.concurrency, help="requests in progress, per key")
    add("--any-endpoint", action="store_true", help="accept endpoint ids of any other owner, as whisper")
    add("--model-dir", type=Path, help="a CTranslate2 whisper model in place of the packaged one")
    scripted = parser.add_argument_group("the scripted engine")
    add = scripted.add_argument
    add("--service-s", type=_not_negative, default=_DEFAULTS.service_s, help="seconds in progress")
    add("--speed", type=_positive(float), help="audio seconds processed per second, added to --service-s")
    add("--jitter-share", type=_not_negative, default=_DEFAULTS.jitter_share, help="0.2 is give or take a fifth")
    add("--words", type=int, default=_DEFAULTS.words, help="words in every transcript")
    add("--seed", type=int, default=_DEFAULTS.seed, help="of the jitter and of faults with a share")
    add("--no-download", action="store_true", help="do not fetch the audio")
    fal = parser.add_argument_group("how fal behaves")
    add = fal.add_argument
    add("--time-factor", type=_positive(float), default=_DEFAULTS.time_factor, help="retention clocks run faster")
    add(
        "--history-lag-s", type=_not_negative, default=_DEFAULTS.history_lag_s, help="until the history shows a request"
    )
    add("--history-hides-queued", dest="history_shows_queued", action="store_false", help="show only what has started")
    add("--webhooks-refuse-private", action="store_true", help="call no private address back, as fal does")
    add("--faults-file", type=Path, help="a fault script: a JSON list of rules")
    add("--ledger-file", type=Path, help="append accepted requests and bills as JSON lines")
    add("--log-level", choices=["DEBUG", "INFO", "WARNING"], default=_DEFAULTS.log_level)
    return parser


def _positive(kind: type[int] | type[float]) -> "argparse._ActionType":
    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return value

    return read


def _not_negative(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value
