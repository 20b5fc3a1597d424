"""Settings: read once at the edge from TOML files and the environment, then passed on as frozen records."""

from pipeline.settings.loading import LoadedSettings, fal_key, load_settings, shown
from pipeline.settings.records import (
    AudioSettings,
    FalSettings,
    ForecastSettings,
    LimitsSettings,
    LogSettings,
    PollingSettings,
    Price,
    QueueSettings,
    RecipeSettings,
    RedisSettings,
    RetrySettings,
    RunSettings,
    S3Prices,
    S3Settings,
    Settings,
    WorkerSettings,
)

__all__ = [
    "AudioSettings",
    "FalSettings",
    "ForecastSettings",
    "LimitsSettings",
    "LoadedSettings",
    "LogSettings",
    "PollingSettings",
    "Price",
    "QueueSettings",
    "RecipeSettings",
    "RedisSettings",
    "RetrySettings",
    "RunSettings",
    "S3Prices",
    "S3Settings",
    "Settings",
    "WorkerSettings",
    "fal_key",
    "load_settings",
    "shown",
]
