"""What commands share: settings, read once and only when needed, and clients that are closed at the end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from pipeline import logs
from pipeline.models import Asked, Recipe
from pipeline.settings import LoadedSettings, Settings, fal_key, load_settings
from pipeline.storage.base import Storage
from pipeline.wiring.recipes import make_recipe
from pipeline.wiring.storage import open_storage


class Session:
    """One run of the command line. Lazy, so that help needs neither settings nor servers."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    @cached_property
    def loaded(self) -> LoadedSettings:
        """All settings with their origins."""
        loaded = load_settings(self.environment)
        logs.configure(loaded.settings.logs)
        return loaded

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @cached_property
    def storage(self) -> Storage:
        """S3."""
        return open_storage(self.settings)

    @property
    def has_key(self) -> bool:
        """Whether a fal key is set for this process."""
        return fal_key(self.environment) is not None

    def recipe(self, options: Mapping[str, Any]) -> Recipe:
        """The recipe that the options ask for, the settings where they are silent."""
        defaults = self.settings.recipe
        extra: dict[str, JsonValue] = options["extra"]
        return make_recipe(
            options["model"] or defaults.model,
            Asked(language=options["language"] or defaults.language, task=options["task"] or defaults.task),
            extra,
        )
