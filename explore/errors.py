"""The error of everything that explores topics."""

from __future__ import annotations


class ExploreError(ValueError):
    """Something a person can mend, in one sentence: what is wrong, its value, and what is allowed."""
