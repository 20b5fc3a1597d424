"""What commands share: settings, read once and only when needed, and clients that are closed at the end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import click
from pydantic import JsonValue

from pipeline import logs
from pipeline.cli.loading import loading
from pipeline.models import Asked, Price, Recipe
from pipeline.printable import printable
from pipeline.settings import LoadedSettings, RecipeSettings, Settings, fal_key, load_settings
from pipeline.storage.base import Storage
from pipeline.wiring.prices import price_of
from pipeline.wiring.recipes import make_recipe, unknown_arguments


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
        # Here, not at the top: botocore takes a fifth of the start of whatever needs no S3, as the help of a command.
        with loading():
            from pipeline.wiring.storage import open_storage  # noqa: PLC0415

            return open_storage(self.settings)

    @property
    def has_key(self) -> bool:
        """Whether a fal key is set for this process."""
        return fal_key(self.environment) is not None

    def price(self, recipe: Recipe) -> Price | None:
        """What a recipe costs, as far as it is known here."""
        return price_of(recipe, self.settings, self.environment)

    def recipe(self, options: Mapping[str, Any]) -> Recipe:
        """The recipe that the options ask for, the settings where they are silent.

        Says on stderr which arguments are passed on although nobody here knows whether the model has them.
        """
        defaults = self.settings.recipe
        extra: dict[str, JsonValue] = options.get("extra") or {}
        recipe = make_recipe(options.get("model") or defaults.model, _asked(options, defaults), extra)
        if unknown := unknown_arguments(recipe):
            names = ", ".join(unknown)
            click.echo(
                printable(
                    f"Only a part of {recipe.endpoint_id}'s arguments is known here. Passed on unchecked: {names}."
                ),
                err=True,
            )
        return recipe


def _asked(options: Mapping[str, Any], defaults: RecipeSettings) -> Asked:
    if options.get("translate") and options.get("task") == "transcribe":
        raise click.UsageError("--translate and --task transcribe exclude each other: leave one of them out.")
    speakers = options.get("speakers")
    return Asked(
        language=options.get("language") or defaults.language,
        task="translate" if options.get("translate") else options.get("task") or defaults.task,
        diarize=bool(options.get("diarize") or speakers),
        speakers=speakers,
        words=bool(options.get("words")),
        prompt=options.get("prompt") or None,
        keyterms=tuple(options.get("keyterms") or ()),
    )
