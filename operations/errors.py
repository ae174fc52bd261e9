"""The error of every command that talks to a deployed stage."""

from __future__ import annotations

from explore.errors import ExploreError


class OperationError(ExploreError):
    """What cannot be done with a stage, in one sentence: what is wrong, its value, and what is allowed."""
