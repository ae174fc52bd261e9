"""Each optimizer against the formula of MXNet's documentation, written out again in NumPy for one weight at a time."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from training_scripts.hyperparameters import NtmHyperparameters
from training_scripts.ntm.learning import optimizers

Path = list[float]
RATE, DECAY = 0.1, 0.01
GRADIENTS = [0.5, -2.0, 0.03, 0.0, 7.0]


def sgd(weight: float, gradients: Path) -> Path:
    path = []
    for gradient in gradients:
        weight = weight - RATE * (gradient + DECAY * weight)
        path.append(weight)
    return path


def adam(weight: float, gradients: Path) -> Path:
    mean = variance = 0.0
    path = []
    for step, raw in enumerate(gradients, start=1):
        gradient = raw + DECAY * weight
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        rate = RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weight = weight - rate * mean / (np.sqrt(variance) + 1e-8)
        path.append(weight)
    return path


def adagrad(weight: float, gradients: Path) -> Path:
    history = 0.0
    path = []
    for gradient in gradients:
        history += gradient**2
        weight = weight - RATE * (gradient / np.sqrt(history + 1e-7) + DECAY * weight)
        path.append(weight)
    return path


def rmsprop(weight: float, gradients: Path) -> Path:
    history = 0.0
    path = []
    for raw in gradients:
        gradient = raw + DECAY * weight
        history = 0.9 * history + 0.1 * gradient**2
        weight = weight - RATE * gradient / np.sqrt(history + 1e-8)
        path.append(weight)
    return path


def adadelta(weight: float, gradients: Path) -> Path:
    history = moved = 0.0
    path = []
    for gradient in gradients:
        history = 0.9 * history + 0.1 * gradient**2
        change = np.sqrt(moved + 1e-5) / np.sqrt(history + 1e-5) * gradient
        moved = 0.9 * moved + 0.1 * change**2
        weight = weight - (change + DECAY * weight)
        path.append(weight)
    return path


def taken(
    settings: NtmHyperparameters, start: float, gradients: Path, *, shape: tuple[int, ...] = (1, 1), rate: float = 1.0
) -> Path:
    params = {"w": jnp.full(shape, start)}
    averages = optimizers.starting_averages(settings, {"w": np.full(shape, start, np.float32)})
    first, second = ({name: jnp.asarray(value) for name, value in tree.items()} for tree in averages)
    state = optimizers.OptimizerState(first, second, jnp.zeros((), jnp.int32))
    path = []
    for gradient in gradients:
        params, state = optimizers.update(settings, params, {"w": jnp.full(shape, gradient)}, state, {"w": rate})
        path.append(float(params["w"].ravel()[0]))
    return path


@pytest.mark.parametrize("reference", [sgd, adam, adagrad, rmsprop, adadelta])
def test_each_optimizer_takes_the_steps_of_its_formula(reference: Callable[[float, Path], Path]) -> None:
    settings = NtmHyperparameters.model_validate(
        {"num_topics": 2, "optimizer": reference.__name__, "learning_rate": RATE, "weight_decay": DECAY}
    )

    assert taken(settings, 1.5, GRADIENTS) == pytest.approx(reference(1.5, GRADIENTS), rel=1e-5)


def test_adadelta_does_not_use_its_learning_rate() -> None:
    slow, fast = (NtmHyperparameters(num_topics=2, learning_rate=rate) for rate in (1e-6, 1.0))

    assert taken(slow, 1.0, GRADIENTS) == taken(fast, 1.0, GRADIENTS)


def test_the_gradient_is_rescaled_and_then_clipped_element_by_element() -> None:
    settings = NtmHyperparameters(
        num_topics=2, optimizer="sgd", learning_rate=1.0, rescale_gradient=0.5, clip_gradient=0.75
    )

    assert taken(settings, 0.0, [1.0, 4.0, -4.0]) == pytest.approx([-0.5, -1.25, -0.5])


def test_weight_decay_spares_biases() -> None:
    settings = NtmHyperparameters(num_topics=2, optimizer="sgd", learning_rate=1.0, weight_decay=0.5)

    assert taken(settings, 1.0, [0.0], shape=(3,)) == [1.0]
    assert taken(settings, 1.0, [0.0], shape=(3, 1)) == [0.5]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adagrad", "rmsprop"])
def test_a_rate_for_a_parameter_multiplies_the_learning_rate(optimizer: str) -> None:
    own, faster = (
        NtmHyperparameters.model_validate({"num_topics": 2, "optimizer": optimizer, "learning_rate": rate})
        for rate in (0.1, 0.5)
    )

    assert taken(own, 1.0, GRADIENTS, rate=5.0) == pytest.approx(taken(faster, 1.0, GRADIENTS), rel=1e-5)


def test_adadelta_has_no_rate_to_multiply() -> None:
    settings = NtmHyperparameters(num_topics=2)

    assert taken(settings, 1.0, GRADIENTS, rate=5.0) == taken(settings, 1.0, GRADIENTS)


def test_the_moving_average_forgets_its_start_at_once_and_is_slow_later() -> None:
    start, last = {"w": jnp.asarray([100.0])}, {"w": jnp.asarray([1.0])}

    early = optimizers.moving_average(start, last, jnp.asarray(1), 0.99)
    late = optimizers.moving_average(start, last, jnp.asarray(10_000), 0.99)

    assert float(early["w"][0]) == pytest.approx(100 * 2 / 11 + 9 / 11)
    assert float(late["w"][0]) == pytest.approx(99 + 0.01, rel=1e-5)


def test_where_no_average_is_kept_none_is_made() -> None:
    assert optimizers.moving_average({}, {"w": jnp.ones(1)}, jnp.asarray(1), 0.0) == {}
