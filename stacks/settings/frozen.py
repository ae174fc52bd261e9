"""What all settings are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable settings that refuse unknown keys, so that a typo is an error and not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
