"""What a tuning job searches: hyperparameters with their ranges, each mapped to the interval from 0 to 1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import Node

MAX_HYPERPARAMETERS = 30
LOGARITHMIC_FROM = 100.0
"""`Auto` scaling is logarithmic where the largest value is so many times the smallest."""


class Dimension(Protocol):
    """One hyperparameter of the search."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def choices(self) -> Sequence[str]:
        """Its values where they can be counted out; empty for a range."""

    def at(self, position: float) -> str:
        """Return its value at a position of [0, 1), as a job's hyperparameter is written."""


@dataclass(frozen=True)
class Range:
    """A continuous or an integer range."""

    name: str
    least: float
    most: float
    scaling: str
    whole: bool

    @property
    def choices(self) -> Sequence[str]:
        """None: it is a range."""
        return ()

    def at(self, position: float) -> str:
        """Return the value at a position of [0, 1)."""
        if self.whole:
            # Rounded down, so that the largest number has a share of its own too.
            value = math.floor(_scaled(self.scaling, self.least, self.most + 1, position))
            return str(int(min(max(value, self.least), self.most)))
        return repr(min(max(_scaled(self.scaling, self.least, self.most, position), self.least), self.most))


@dataclass(frozen=True)
class Choice:
    """A categorical hyperparameter."""

    name: str
    choices: Sequence[str]

    def at(self, position: float) -> str:
        """Return the value at a position of [0, 1)."""
        return self.choices[min(int(position * len(self.choices)), len(self.choices) - 1)]


@dataclass(frozen=True)
class Space:
    """All hyperparameters of a search."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(cls, ranges: Node) -> Space:
        """Read the ParameterRanges of a request.

        Raises:
            ServiceError: there are none or too many, one is named twice, or a range is none.
        """
        dimensions: list[Dimension] = [
            *(_range(item, whole=True) for item in ranges.nodes("IntegerParameterRanges")),
            *(_range(item, whole=False) for item in ranges.nodes("ContinuousParameterRanges")),
            *(
                Choice(item.text("Name"), tuple(item.texts("Values")))
                for item in ranges.nodes("CategoricalParameterRanges")
            ),
        ]
        names = [dimension.name for dimension in dimensions]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise validation_error(f"Hyperparameter ranges must have unique names; given twice: {', '.join(repeated)}")
        if not 1 <= len(dimensions) <= MAX_HYPERPARAMETERS:
            raise validation_error(
                f"A tuning job searches 1 to {MAX_HYPERPARAMETERS} hyperparameters; {len(dimensions)} ranges are given."
            )
        return cls(tuple(dimensions))

    def at(self, point: Sequence[float]) -> dict[str, str]:
        """Return the hyperparameters at a point of the unit cube."""
        return {
            dimension.name: dimension.at(position) for dimension, position in zip(self.dimensions, point, strict=True)
        }

    def grid(self) -> list[dict[str, str]]:
        """Return every combination of categorical values.

        Raises:
            ServiceError: one of the hyperparameters is no categorical one.
        """
        ranges = [dimension.name for dimension in self.dimensions if not dimension.choices]
        if ranges:
            raise validation_error(
                f"Grid search takes categorical hyperparameters only; {', '.join(ranges)} "
                f"{'is a range' if len(ranges) == 1 else 'are ranges'}."
            )
        names = [dimension.name for dimension in self.dimensions]
        choices = (dimension.choices for dimension in self.dimensions)
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]


def _range(item: Node, *, whole: bool) -> Range:
    name = item.text("Name")
    least, most = (_number(name, item.text(member), whole=whole) for member in ("MinValue", "MaxValue"))
    if least > most:
        raise validation_error(
            f"The range of hyperparameter {name} has MinValue {item.text('MinValue')} above MaxValue "
            f"{item.text('MaxValue')}."
        )
    scaling = item.text("ScalingType", "Auto")
    if scaling == "Auto":
        scaling = "Logarithmic" if least > 0 and most / least >= LOGARITHMIC_FROM else "Linear"
    if scaling == "Logarithmic" and least <= 0:
        raise validation_error(f"Logarithmic scaling of hyperparameter {name} needs a MinValue above 0.")
    if scaling == "ReverseLogarithmic" and (whole or not 0 <= least <= most < 1):
        raise validation_error(
            f"ReverseLogarithmic scaling of hyperparameter {name} needs a continuous range within 0 and 1."
        )
    return Range(name, least, most, scaling, whole)


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        number = float(int(text)) if whole else float(text)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        kind = "an integer" if whole else "a number"
        raise validation_error(f"The range of hyperparameter {name} has the bound '{text}', which is not {kind}.")
    return number


def _scaled(scaling: str, least: float, most: float, position: float) -> float:
    if scaling == "Logarithmic":
        return float(least * (most / least) ** position)
    if scaling == "ReverseLogarithmic":
        return float(1 - (1 - least) * ((1 - most) / (1 - least)) ** position)
    return least + (most - least) * position
