"""The five optimizers of NTM, as Apache MXNet computes them (the built-in algorithm runs on it).

Each gradient is first multiplied by `rescale_gradient`, and clipped element by element to [-clip_gradient,
clip_gradient]. Weight decay applies to matrices, not to biases, as in MXNet, and enters where each of its optimizers
lets it in. Formulas: https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/optimizer/index.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from training_scripts.hyperparameters import NtmHyperparameters, Optimizer

Tree = dict[str, jax.Array]
HostTree = dict[str, npt.NDArray[np.float32]]

ADADELTA_RHO: Final = 0.9
ADADELTA_EPSILON: Final = 1e-5
ADAM_BETAS: Final = (0.9, 0.999)
ADAM_EPSILON: Final = 1e-8
ADAGRAD_EPSILON: Final = 1e-7
RMSPROP_GAMMA: Final = 0.9
RMSPROP_EPSILON: Final = 1e-8


class OptimizerState(NamedTuple):
    """Running averages, one array a parameter each (what an optimizer does not use stays empty), and steps taken."""

    first: Tree
    second: Tree
    steps: jax.Array


class _Step(NamedTuple):
    """One parameter's new value and running averages."""

    weight: jax.Array
    first: jax.Array
    second: jax.Array


_Rule = Callable[[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array, float], _Step]
"""(weight, clipped gradient, first, second, steps taken with this one, weight decay) -> step."""

_USED: Final = {
    "sgd": (False, False),
    "adam": (True, True),
    "adagrad": (True, False),
    "rmsprop": (True, False),
    "adadelta": (True, True),
}


def starting_averages(settings: NtmHyperparameters, params: HostTree) -> tuple[HostTree, HostTree]:
    """Return the first and second running averages before the first step; NumPy's, as XLA would compile each shape."""
    first, second = (
        {name: np.zeros_like(value) if used else np.zeros(0, np.float32) for name, value in params.items()}
        for used in _USED[settings.optimizer]
    )
    return first, second


def update(
    settings: NtmHyperparameters,
    params: Tree,
    gradients: Tree,
    state: OptimizerState,
    rates: Mapping[str, float],
) -> tuple[Tree, OptimizerState]:
    """Take one step down `gradients`, which have the names and shapes of `params`.

    Args:
        settings: the optimizer and what it is told.
        params: what moves.
        gradients: of the loss.
        state: as the last step left it.
        rates: by how much to multiply the learning rate of the parameters named here; adadelta has none.
    """
    steps = state.steps + 1
    taken = {
        name: _rule(settings.optimizer, settings.learning_rate * rates.get(name, 1.0))(
            weight,
            _clipped(gradients[name] * settings.rescale_gradient, settings.clip_gradient),
            state.first[name],
            state.second[name],
            steps,
            settings.weight_decay if weight.ndim > 1 else 0.0,
        )
        for name, weight in params.items()
    }
    return (
        {name: step.weight for name, step in taken.items()},
        OptimizerState(
            {name: step.first for name, step in taken.items()},
            {name: step.second for name, step in taken.items()},
            steps,
        ),
    )


def moving_average(mean: Tree, params: Tree, steps: jax.Array, keep: float) -> Tree:
    """Return `mean` moved towards `params`; of an empty one, nothing is kept.

    Its share in the new average is `keep`, and less in the first steps, (1 + steps) / (10 + steps): what the random
    start has left in it is soon gone.
    """
    share = jnp.minimum(keep, (1.0 + steps) / (10.0 + steps))
    return {name: share * old + (1 - share) * params[name] for name, old in mean.items()}


def _clipped(gradient: jax.Array, bound: float | None) -> jax.Array:
    return gradient if bound is None else jnp.clip(gradient, -bound, bound)


def _rule(optimizer: Optimizer, rate: float) -> _Rule:
    def sgd(
        weight: jax.Array, gradient: jax.Array, first: jax.Array, second: jax.Array, _: jax.Array, decay: float
    ) -> _Step:
        return _Step(weight - rate * (gradient + decay * weight), first, second)

    def adam(  # noqa: PLR0917 (all rules have one shape)
        weight: jax.Array, gradient: jax.Array, first: jax.Array, second: jax.Array, steps: jax.Array, decay: float
    ) -> _Step:
        decayed = gradient + decay * weight
        first = ADAM_BETAS[0] * first + (1 - ADAM_BETAS[0]) * decayed
        second = ADAM_BETAS[1] * second + (1 - ADAM_BETAS[1]) * decayed * decayed
        corrected = rate * jnp.sqrt(1 - ADAM_BETAS[1] ** steps) / (1 - ADAM_BETAS[0] ** steps)
        return _Step(weight - corrected * first / (jnp.sqrt(second) + ADAM_EPSILON), first, second)

    def adagrad(
        weight: jax.Array, gradient: jax.Array, first: jax.Array, second: jax.Array, _: jax.Array, decay: float
    ) -> _Step:
        first = first + gradient * gradient
        return _Step(weight - rate * (gradient / jnp.sqrt(first + ADAGRAD_EPSILON) + decay * weight), first, second)

    def rmsprop(
        weight: jax.Array, gradient: jax.Array, first: jax.Array, second: jax.Array, _: jax.Array, decay: float
    ) -> _Step:
        decayed = gradient + decay * weight
        first = RMSPROP_GAMMA * first + (1 - RMSPROP_GAMMA) * decayed * decayed
        return _Step(weight - rate * decayed / jnp.sqrt(first + RMSPROP_EPSILON), first, second)

    def adadelta(
        weight: jax.Array, gradient: jax.Array, first: jax.Array, second: jax.Array, _: jax.Array, decay: float
    ) -> _Step:
        # No learning rate: MXNet's AdaDelta takes one and does not use it, so the built-in's default 0.001 is harmless.
        first = ADADELTA_RHO * first + (1 - ADADELTA_RHO) * gradient * gradient
        change = jnp.sqrt(second + ADADELTA_EPSILON) / jnp.sqrt(first + ADADELTA_EPSILON) * gradient
        second = ADADELTA_RHO * second + (1 - ADADELTA_RHO) * change * change
        return _Step(weight - (change + decay * weight), first, second)

    rules: dict[str, _Rule] = {
        "sgd": sgd,
        "adam": adam,
        "adagrad": adagrad,
        "rmsprop": rmsprop,
        "adadelta": adadelta,
    }
    return rules[optimizer]
