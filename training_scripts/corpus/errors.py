"""The error of everything that handles a corpus."""

from __future__ import annotations


class CorpusError(ValueError):
    """A user-fixable error, in one sentence: what is wrong, its value, and what is allowed."""
