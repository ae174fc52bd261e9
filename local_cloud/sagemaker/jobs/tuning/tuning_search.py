"""How a tuning job chooses a trial's hyperparameters: by chance, out of a grid, or by a model of the objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from local_cloud.sagemaker.jobs.tuning.tuning_space import Space

if TYPE_CHECKING:
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]

CANDIDATES = 1000
LENGTH_SCALES = (0.1, 0.2, 0.4, 0.8)
NOISE = 1e-4


class Search(Protocol):
    """Proposes hyperparameters."""

    def propose(self) -> tuple[int, dict[str, str]] | None:
        """Return a trial's number and its hyperparameters; None when there is nothing left to try."""

    def tell(self, trial: int, value: float | None) -> None:
        """Tell how a trial ended: the objective to minimise, or None where there is none."""


class Random:
    """Points drawn evenly from the space."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._trials = 0

    def propose(self) -> tuple[int, dict[str, str]]:
        """Draw a point."""
        self._trials += 1
        return self._trials, self._space.at(self._rng.random(len(self._space.dimensions)).tolist())

    def tell(self, trial: int, value: float | None) -> None:
        """Learn nothing: a draw depends on no other."""


class Grid:
    """Every combination of categorical values, once."""

    def __init__(self, space: Space) -> None:
        self._left = list(enumerate(space.grid(), start=1))

    def propose(self) -> tuple[int, dict[str, str]] | None:
        """Return the next combination."""
        return self._left.pop(0) if self._left else None

    def tell(self, trial: int, value: float | None) -> None:
        """Learn nothing: every combination is tried."""


class Bayesian:
    """Expected improvement under a Gaussian process with a squared-exponential kernel (Jones et al. 1998).

    The kernel's length is the one of `LENGTH_SCALES` with the greatest marginal likelihood. A trial that still runs
    counts with the process's own mean there, so that parallel trials spread out.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._points: dict[int, Vector] = {}
        self._values: dict[int, float] = {}
        self._lost: set[int] = set()

    def propose(self) -> tuple[int, dict[str, str]]:
        """Return the candidate with the greatest expected improvement; at first, draw evenly."""
        trial = len(self._points) + 1
        size = len(self._space.dimensions)
        point = self._best_candidate(size) if len(self._values) > min(size + 1, 4) else self._rng.random(size)
        self._points[trial] = point
        return trial, self._space.at(point.tolist())

    def tell(self, trial: int, value: float | None) -> None:
        """Learn the objective of a trial."""
        if value is None or not np.isfinite(value):
            self._lost.add(trial)
        else:
            self._values[trial] = value

    def _best_candidate(self, size: int) -> Vector:
        known = sorted(self._values)
        points = self._seen([self._points[trial] for trial in known])
        values = np.array([self._values[trial] for trial in known])
        values = (values - values.mean()) / (values.std() or 1.0)
        length = max(LENGTH_SCALES, key=lambda scale: _log_likelihood(points, values, scale))
        ended = self._lost | set(self._values)
        running = [point for trial, point in self._points.items() if trial not in ended]
        if running:
            believed = self._seen(running)
            mean, _ = _posterior(points, values, believed, length)
            points, values = np.vstack([points, believed]), np.append(values, mean)
        best = points[values.argmin()]
        around = np.clip(self._rng.normal(best, 0.1, (CANDIDATES // 4, size)), 0, 1 - 1e-9)
        candidates = np.vstack([self._rng.random((CANDIDATES, size)), around])
        mean, deviation = _posterior(points, values, self._seen(list(candidates)), length)
        gain: Vector = _expected_improvement(values.min(), mean, deviation)
        chosen: Vector = candidates[gain.argmax()]
        return chosen

    def _seen(self, points: Sequence[Vector]) -> Vector:
        """Put each point at the middle of what it stands for: a categorical value is one place, not a stretch."""
        placed = np.array(points, dtype=np.float64)
        for column, dimension in enumerate(self._space.dimensions):
            count = len(dimension.choices)
            if count:
                placed[:, column] = (np.floor(placed[:, column] * count).clip(0, count - 1) + 0.5) / count
        return placed


def _kernel(left: Vector, right: Vector, length: float) -> Vector:
    squares = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=-1)
    kernel: Vector = np.exp(-0.5 * squares / length**2)
    return kernel


def _log_likelihood(points: Vector, values: Vector, length: float) -> float:
    factor = np.linalg.cholesky(_kernel(points, points, length) + NOISE * np.eye(len(points)))
    whitened = np.linalg.solve(factor, values)
    return float(-0.5 * whitened @ whitened - np.log(np.diag(factor)).sum())


def _posterior(points: Vector, values: Vector, asked: Vector, length: float) -> tuple[Vector, Vector]:
    factor = np.linalg.cholesky(_kernel(points, points, length) + NOISE * np.eye(len(points)))
    across = np.linalg.solve(factor, _kernel(points, asked, length))
    mean: Vector = across.T @ np.linalg.solve(factor, values)
    deviation: Vector = np.sqrt(np.clip(1 - (across**2).sum(axis=0), 1e-12, None))
    return mean, deviation


def _expected_improvement(best: float, mean: Vector, deviation: Vector) -> Vector:
    z = (best - mean) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    # The normal distribution function by Zelen and Severo's polynomial (Abramowitz and Stegun 26.2.17): |error| < 8e-8.
    t = 1 / (1 + 0.2316419 * np.abs(z))
    tail = density * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    below = np.where(z >= 0, 1 - tail, tail)
    gain: Vector = (best - mean) * below + deviation * density
    return gain
