from __future__ import annotations

import numpy as np
import pytest

from training_scripts.ntm.block_momentum import RAMP_EPOCHS, even_instances, momentum, pushed

MOVE = np.array([1.0, -2.0], np.float32)


@pytest.mark.parametrize("instances", [2, 4])
def test_moves_of_one_direction_add_up_to_as_many_times_one_as_there_are_instances(instances: int) -> None:
    params: dict[str, np.ndarray] = {"topics": np.zeros(2, np.float32)}
    velocity: dict[str, np.ndarray] = {}

    for epoch in range(RAMP_EPOCHS + 100):
        mean = {"topics": params["topics"] + MOVE}
        params, velocity = pushed(params, mean, velocity, momentum(instances, epoch))

    np.testing.assert_allclose(velocity["topics"], instances * MOVE, rtol=1e-4)


@pytest.mark.parametrize("shards", [[50, 50], [50, 30, 20], [90, 10], [99, 1]])
def test_uneven_shards_move_as_far_as_one_instance_on_all_of_them(shards: list[int]) -> None:
    documents, squares = float(sum(shards)), float(sum(shard**2 for shard in shards))
    share = momentum(even_instances(documents, squares), RAMP_EPOCHS)
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


def test_the_momentum_grows_over_the_first_epochs_and_then_stays() -> None:
    shares = [momentum(2, epoch) for epoch in range(2 * RAMP_EPOCHS)]

    assert shares[0] == 0
    assert shares[:RAMP_EPOCHS] == sorted(set(shares[:RAMP_EPOCHS]))
    assert set(shares[RAMP_EPOCHS:]) == {0.5}
