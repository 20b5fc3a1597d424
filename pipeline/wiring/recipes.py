"""Recipes as fal's models take them; without key or client."""

from __future__ import annotations

from pipeline.speech.fal.models import make_recipe

__all__ = ["make_recipe"]
