from __future__ import annotations

import numpy as np
import pytest

from training_scripts.ntm.learning.block_momentum import RAMP_EPOCHS, SURPLUS, even_instances, momentum, pushed

MOVE = np.array([1.0, -2.0], np.float32)


@pytest.mark.parametrize(("instances", "surplus"), [(1.2, 0.05), (2, 0.25), (4, 0.25), (8, 0.25)])
def test_an_epoch_goes_in_the_end_as_far_as_one_of_one_instance_and_its_surplus(
    instances: float, surplus: float
) -> None:
    params: dict[str, np.ndarray] = {"topics": np.zeros(2, np.float32)}
    velocity: dict[str, np.ndarray] = {}

    for epoch in range(200):
        mean = {"topics": params["topics"] + MOVE / np.float32(instances)}
        params, velocity = pushed(params, mean, velocity, momentum(instances, epoch))

    np.testing.assert_allclose(velocity["topics"], (1 + surplus) * MOVE, rtol=1e-4)


def test_two_instances_have_made_up_for_the_first_epochs_after_thirty() -> None:
    params: dict[str, np.ndarray] = {"topics": np.zeros(2, np.float32)}
    velocity: dict[str, np.ndarray] = {}
    behind = []

    for epoch in range(30):
        mean = {"topics": params["topics"] + MOVE / np.float32(2)}
        params, velocity = pushed(params, mean, velocity, momentum(2, epoch))
        behind.append(epoch + 1 - params["topics"][0])

    assert behind[RAMP_EPOCHS] > 3
    assert behind[-1] < 0


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

    surplus = SURPLUS * min(even_instances(documents, squares) - 1, 1)
    np.testing.assert_allclose(velocity["topics"], (1 + surplus) * documents * MOVE, rtol=1e-3)


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


def test_the_momentum_never_falls_and_stays_as_it_is_after_the_ramp() -> None:
    shares = [momentum(2, epoch) for epoch in range(50)]

    assert shares == sorted(shares)
    assert set(shares[RAMP_EPOCHS:]) == {1 - 1 / (2 * (1 + SURPLUS))}


def test_one_instance_has_no_momentum() -> None:
    assert {momentum(1, epoch) for epoch in range(50)} == {0}
