"""Topics over time: the mean weight of each in every day, week, month, quarter, year, decade or century."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final, TypedDict

import numpy as np

from explore.vectors import TopicVectors

MOST_BINS: Final = 60
"""The finest unit is taken that has no more."""

_UNITS: Final[dict[str, tuple[Callable[[date], int], Callable[[int], str]]]] = {
    "day": (lambda day: day.toordinal(), lambda place: date.fromordinal(place).isoformat()),
    # From Monday, as in ISO 8601: day 1 of the calendar is one.
    "week": (
        lambda day: (day - timedelta(days=day.weekday())).toordinal() // 7,
        lambda place: f"week of {date.fromordinal(place * 7 + 1).isoformat()}",
    ),
    "month": (lambda day: day.year * 12 + day.month - 1, lambda place: f"{place // 12:04}-{place % 12 + 1:02}"),
    "quarter": (lambda day: day.year * 4 + (day.month - 1) // 3, lambda place: f"{place // 4:04} Q{place % 4 + 1}"),
    "year": (lambda day: day.year, lambda place: f"{place:04}"),
    "decade": (lambda day: day.year // 10, lambda place: f"{place * 10:04}s"),
    "century": (lambda day: day.year // 100, lambda place: f"{place * 100:04}s"),
}


class Told(TypedDict):
    """What the page shows of time: the bins' names, how many documents each has, and each topic's mean weight there."""

    unit: str
    dated: int
    bins: list[str]
    documents: list[int]
    means: list[list[float | None]]


def told(vectors: TopicVectors, dates: Mapping[str, date]) -> Told | None:
    """Return what the page shows of time; None where no document that has topics has a date."""
    rows = [row for row, name in enumerate(vectors.ids) if name in dates]
    if not rows:
        return None
    days = [dates[vectors.ids[row]] for row in rows]
    unit = next((unit for unit in _UNITS if _bins(unit, days) <= MOST_BINS), "century")
    place_of, name_of = _UNITS[unit]
    first, number = place_of(min(days)), _bins(unit, days)
    places = np.array([place_of(day) - first for day in days])
    documents = np.bincount(places, minlength=number)
    means = np.zeros((number, vectors.num_topics))
    np.add.at(means, places, vectors.weights[rows])
    return {
        "unit": unit,
        "dated": len(rows),
        "bins": [name_of(first + place) for place in range(number)],
        "documents": documents.tolist(),
        "means": [
            [round(float(total / size), 4) if size else None for total, size in zip(row, documents, strict=True)]
            for row in means.T
        ],
    }


def _bins(unit: str, days: list[date]) -> int:
    place_of = _UNITS[unit][0]
    return place_of(max(days)) - place_of(min(days)) + 1
