"""What every table of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of the settings: frozen, complete, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
