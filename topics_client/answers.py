"""What a server says, held to the types that it should have."""

from __future__ import annotations

import json
import math
from typing import Final


def json_of(body: bytes) -> object:
    """Return what the JSON says.

    Raises:
        ValueError: it is no JSON, or is nested deeper than Python reads.
    """
    try:
        content: object = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return content


def members(value: object) -> dict[str, object]:
    """Return a JSON object; TypeError where it is something else."""
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def items(value: object) -> list[object]:
    """Return a JSON array; TypeError where it is something else."""
    if not isinstance(value, list):
        raise TypeError("no array")
    return value


def text(value: object) -> str:
    """Return a JSON string; TypeError where it is something else."""
    if not isinstance(value, str):
        raise TypeError("no string")
    return value


def whole(value: object) -> int:
    """Return a whole JSON number; TypeError where it is something else."""
    if type(value) is not int:
        raise TypeError("no whole number")
    return value


def number(value: object) -> float:
    """Return a finite JSON number; TypeError or OverflowError where it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("no finite number")
    return float(value)


def number_or_none(value: object) -> float | None:
    """Return a finite JSON number, or None for null; otherwise as of `number`."""
    return None if value is None else number(value)


UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError)
"""What reading an answer of another form raises."""
