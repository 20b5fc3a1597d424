"""The shapes of all settings, a frozen record per table of `configs/default.toml` and `configs/nights.toml`.

The reason for each setting, and its only default, stand beside its value in those files.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, SecretStr

from pipeline.settings.nights import ListenSettings, MetricsSettings, NightSettings, NotifySettings
from pipeline.settings.section import Section

MAX_URL_LIFETIME_S = 604_800  # seven days, SigV4's own bound
# What a request may still take once it has begun, at the start deadline's last moment. A runner opens the audio when it
# begins (docs/fal.md section 10); hours leave room for a slow download and for one that it begins again.
AFTER_START_S = 14_400


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
    request_payer: bool


class FalSettings(Section):
    """How fal's queue is called."""

    queue_url: str = Field(pattern=r"^https?://[^/?#]+$")
    backup_url: str = Field(pattern=r"^(https?://[^/?#]+)?$")
    platform_url: str = Field(pattern=r"^(https?://[^/?#]+)?$")
    rest_url: str = Field(pattern=r"^(https?://[^/?#]+)?$")
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
    webhook_url: str = Field(pattern=r"^(https?://[^?#]+[^?#/])?$")
    jwks_url: str = Field(pattern=r"^https?://[^?#]+$")
    store_io: bool
    delete_payloads: bool
    prices_file: str
    prices_fresh_days: float = Field(ge=0)


class PollingSettings(Section):
    """When a waiting request is looked at."""

    min_s: float = Field(gt=0)
    max_s: float = Field(gt=0)
    webhook_max_s: float = Field(gt=0)
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
    presign_expiry_s: int = Field(ge=0, le=MAX_URL_LIFETIME_S)
    public_url: str = Field(pattern=r"^(https?://[^\s#/?]+(/[^\s#]*)?)?$")
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


class WebhookSettings(Section):
    """The receiver of fal's webhooks."""

    host: str
    port: int = Field(ge=0, le=65_535)
    max_body_bytes: int = Field(ge=65_536)
    keep_s: float = Field(gt=0)


class LintSettings(Section):
    """From when on a transcript counts as suspect, and what is done about it then."""

    on_suspect: str = Field(pattern=r"^(report|retry:\S+)$")
    loop_repeats: int = Field(ge=2)
    loop_words: int = Field(ge=2)
    loop_compression: float = Field(gt=1)
    boilerplate_from_s: float = Field(ge=0)
    boilerplate_share: float = Field(gt=0, le=1)
    boilerplate_credits: int = Field(ge=1)
    language_from_words: int = Field(ge=10)
    function_words_other: float = Field(gt=0, le=1)
    gibberish_share: float = Field(ge=0, le=1)
    speed_from_s: float = Field(ge=0)
    words_per_minute_min: float = Field(ge=0)
    words_per_minute_max: float = Field(gt=0)
    characters_per_minute_min: float = Field(ge=0)
    characters_per_minute_max: float = Field(gt=0)
    silent_s: float = Field(gt=0)
    gap_s: float = Field(gt=0)
    truncated_s: float = Field(gt=0)
    truncated_from_s: float = Field(gt=0)
    truncated_share: float = Field(gt=0, le=1)
    repaired_share: float = Field(gt=0, le=1)


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
    """All settings, one field per table of `configs/default.toml` and `configs/nights.toml`."""

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
    lint: LintSettings
    webhook: WebhookSettings
    logs: LogSettings
    prices: dict[str, Price]
    s3_prices: S3Prices
    forecast: ForecastSettings
    night: NightSettings
    notify: NotifySettings
    metrics: MetricsSettings
    listen: ListenSettings

    @property
    def url_lifetime_s(self) -> int:
        """How long fal may open the URL that it is given: it follows from the start deadline unless it is set."""
        return self.audio.presign_expiry_s or math.ceil(self.fal.start_timeout_s) + AFTER_START_S
