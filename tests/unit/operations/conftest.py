"""The world of the tests of `explore`, for commands that score it, transform it or sweep over it."""

from __future__ import annotations

from tests.unit.explore.conftest import vectors_file, world

__all__ = ["vectors_file", "world"]
