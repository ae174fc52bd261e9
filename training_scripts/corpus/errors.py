"""The error of everything that handles a corpus."""

from __future__ import annotations


class CorpusError(ValueError):
    """Something a person can mend, in one sentence: what is wrong, its value, and what is allowed."""
