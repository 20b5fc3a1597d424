"""The shapes of all settings, a frozen record per table of `configs/default.toml`.

The reason for each setting, and its only default, stand beside its value in that file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """One table of the settings: frozen, complete, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RecipeSettings(Section):
    """What to transcribe with when the command line does not say."""

    model: str
    language: str
    task: Literal["transcribe", "translate"]


class RedisSettings(Section):
    """The Redis or Valkey server."""

    url: SecretStr  # may hold a password
    key_prefix: str
    connect_timeout_s: float = Field(gt=0)
    socket_timeout_s: float = Field(gt=1)


class S3Settings(Section):
    """How S3 is called; which S3, AWS's own variables say."""

    connect_timeout_s: float = Field(gt=0)
    read_timeout_s: float = Field(gt=0)
    max_attempts: int = Field(ge=1)
    max_connections: int = Field(ge=1)
    lists_in_order: bool
    list_ranges: int = Field(ge=1, le=64)
    list_ranges_pay_s: float = Field(ge=0)
    exclusivity_by_redis_alone: bool


class FalSettings(Section):
    """How fal's queue is called."""

    queue_url: str = Field(pattern=r"^https?://[^/?#]+$")
    backup_url: str = Field(pattern=r"^(https?://[^/?#]+)?$")
    platform_url: str = Field(pattern=r"^(https?://[^/?#]+)?$")
    connect_timeout_s: float = Field(gt=0)
    read_timeout_s: float = Field(gt=0)
    submit_timeout_s: float = Field(gt=0)
    start_timeout_s: float = Field(gt=1)
    wait_timeout_s: float = Field(gt=0)
    history_lag_s: float = Field(ge=0)
    reconcile_patience_s: float = Field(gt=0)
    max_connections: int = Field(ge=1)
    no_server_retry: bool
    wait: Literal["poll", "webhook"]
    store_io: bool
    delete_payloads: bool


class PollingSettings(Section):
    """When a waiting request is looked at."""

    min_s: float = Field(gt=0)
    max_s: float = Field(gt=0)
    growth: float = Field(gt=0, le=1)
    first_share: float = Field(ge=0, le=1)


class LimitsSettings(Section):
    """What all workers of an account share."""

    account: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    concurrency: int = Field(ge=1)
    overcommit: float = Field(ge=1)
    recover_s: float = Field(gt=0)
    regather_s: float = Field(ge=0)
    lease_s: float = Field(gt=0)
    submits_per_s: float = Field(gt=0)
    submit_burst: int = Field(ge=1)


class RetrySettings(Section):
    """How often and how soon a failed attempt is followed by another."""

    max_attempts: int = Field(ge=1)
    max_deferrals: int = Field(ge=1)
    base_s: float = Field(gt=0)
    max_s: float = Field(gt=0)


class AudioSettings(Section):
    """What counts as audio, and how it is handed to fal."""

    extensions: tuple[str, ...]
    delivery: Literal["presigned", "upload", "public"]
    presign_expiry_s: int = Field(ge=10, le=604_800)  # SigV4 allows at most seven days
    max_size_bytes: int = Field(gt=0)
    probe_budget_bytes: int = Field(ge=65_536)
    assumed_kbps: dict[str, float]


class QueueSettings(Section):
    """The Celery queue and how full it may be."""

    name: str
    high_water: int = Field(ge=1)
    low_water: int = Field(ge=0)
    batch_size: int = Field(ge=1)


class RunSettings(Section):
    """The dispatcher's rhythm."""

    tick_s: float = Field(gt=0)
    dispatcher_lease_s: float = Field(gt=0)
    worker_wait_s: float = Field(gt=0)
    worker_warn_s: float = Field(gt=0)
    recover_every_s: float = Field(gt=0)
    patience_s: float = Field(gt=0)
    progress_every_s: float = Field(gt=0)
    segment_rows: int = Field(ge=1)
    segment_every_s: float = Field(gt=0)
    part_rows: int = Field(ge=1)


class WorkerSettings(Section):
    """One worker process."""

    slots: int = Field(ge=1, le=1000)
    stuck_after_s: float = Field(gt=0)
    name: str


class LogSettings(Section):
    """What is logged and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    format: Literal["json", "text", "auto"]


class Price(Section):
    """What an endpoint costs: expected before a request, and by fal's own measure after it."""

    usd_per_audio_hour: float = Field(ge=0)
    usd_per_billable_unit: float | None = Field(default=None, ge=0)


class S3Prices(Section):
    """What the store charges, for `nightscribe plan`."""

    usd_per_1000_writes: float = Field(ge=0)
    usd_per_1000_reads: float = Field(ge=0)
    usd_per_gb_out: float = Field(ge=0)


class ForecastSettings(Section):
    """What `nightscribe plan` assumes where nothing was measured yet."""

    assumed_speed: float = Field(gt=0)


class Settings(Section):
    """All settings, one field per table of `configs/default.toml`."""

    recipe: RecipeSettings
    redis: RedisSettings
    s3: S3Settings
    fal: FalSettings
    polling: PollingSettings
    limits: LimitsSettings
    retry: RetrySettings
    audio: AudioSettings
    queue: QueueSettings
    run: RunSettings
    worker: WorkerSettings
    logs: LogSettings
    prices: dict[str, Price]
    s3_prices: S3Prices
    forecast: ForecastSettings
