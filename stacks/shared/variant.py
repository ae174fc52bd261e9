"""The endpoint's one variant."""

from __future__ import annotations

from typing import Final

VARIANT: Final = "AllTraffic"
"""Blue/green updates need the same name before and after."""
