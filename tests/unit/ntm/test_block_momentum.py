from __future__ import annotations

import numpy as np
import pytest

from training_scripts.ntm.block_momentum import MOST_CATCH_UP, RAMP_EPOCHS, even_instances, momentum, pushed

MOVE = np.array([1.0, -2.0], np.float32)


@pytest.mark.parametrize("instances", [1.2, 2, 4, 8])
def test_in_the_end_instances_are_as_far_as_one_instance_on_all_documents(instances: float) -> None:
    params: dict[str, np.ndarray] = {"topics": np.zeros(2, np.float64)}
    velocity: dict[str, np.ndarray] = {}
    epochs = 200

    for epoch in range(epochs):
        mean = {"topics": params["topics"] + MOVE / instances}
        params, velocity = pushed(params, mean, velocity, momentum(instances, epoch))

    np.testing.assert_allclose(params["topics"], epochs * MOVE, rtol=1e-3)
    np.testing.assert_allclose(velocity["topics"], MOVE, rtol=2e-2)


@pytest.mark.parametrize("shards", [[50, 50], [50, 30, 20], [90, 10], [99, 1]])
def test_uneven_shards_move_as_far_as_one_instance_on_all_of_them(shards: list[int]) -> None:
    documents, squares = float(sum(shards)), float(sum(shard**2 for shard in shards))
    share = momentum(even_instances(documents, squares), 200)
    params: dict[str, np.ndarray] = {"topics": np.zeros(2, np.float32)}
    velocity: dict[str, np.ndarray] = {}

    for _ in range(100):
        # Each instance moves as far as it has documents, and counts for as many.
        mean = {"topics": params["topics"] + MOVE * np.float32(squares / documents)}
        params, velocity = pushed(params, mean, velocity, share)

    np.testing.assert_allclose(velocity["topics"], documents * MOVE, rtol=1e-3)


def test_the_first_epoch_ends_at_the_mean() -> None:
    before, mean = ({"topics": np.full(2, value, np.float32)} for value in (1.0, 4.0))

    params, velocity = pushed(before, mean, {}, momentum(2, 0))

    np.testing.assert_array_equal(params["topics"], [4.0, 4.0])
    np.testing.assert_array_equal(velocity["topics"], [3.0, 3.0])


def test_an_epoch_goes_beyond_the_mean_by_its_share_of_the_last_move() -> None:
    before, mean, last = ({"topics": np.full(1, value, np.float32)} for value in (1.0, 2.0, 0.5))

    params, velocity = pushed(before, mean, last, 0.5)

    np.testing.assert_array_equal(params["topics"], [2.25])
    np.testing.assert_array_equal(velocity["topics"], [1.25])


def test_the_momentum_grows_over_the_first_epochs() -> None:
    shares = [momentum(2, epoch) for epoch in range(RAMP_EPOCHS)]

    assert shares[0] == 0
    assert shares == sorted(set(shares))
    assert shares[-1] < 0.5


def test_after_the_ramp_instances_catch_up_and_then_keep_step() -> None:
    shares = [momentum(2, epoch) for epoch in range(RAMP_EPOCHS, RAMP_EPOCHS + 100)]

    assert shares[0] == max(shares) == 1 - 1 / (2 * (1 + MOST_CATCH_UP))
    np.testing.assert_allclose(shares[-20:], 0.5, atol=1e-3)


def test_one_instance_has_no_momentum() -> None:
    assert {momentum(1, epoch) for epoch in range(50)} == {0}
