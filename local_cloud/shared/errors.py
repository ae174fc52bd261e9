"""The error of everything that a person starts: one sentence, exit code 2."""

from __future__ import annotations


class LocalCloudError(Exception):
    """What went wrong, in one sentence that names the thing, the value and what is allowed."""
