"""Recipes and models as fal has them; without key or client."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.models import Abilities
from pipeline.speech.fal.models import KNOWN_MODELS, make_recipe, unknown_arguments

__all__ = ["KNOWN_ABILITIES", "make_recipe", "unknown_arguments"]

KNOWN_ABILITIES: Mapping[str, Abilities] = {name: model.abilities for name, model in KNOWN_MODELS.items()}
"""What is known of each endpoint that is known, by its id."""
