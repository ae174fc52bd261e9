"""The error of everything that explores topics."""

from __future__ import annotations


class ExploreError(ValueError):
    """A user-fixable error, in one sentence: what is wrong, its value, and what is allowed."""
