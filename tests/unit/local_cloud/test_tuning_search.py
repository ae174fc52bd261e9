from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

import pytest

from local_cloud.sagemaker.jobs.tuning.tuning_search import Bayesian, Grid, Random, Search
from local_cloud.sagemaker.jobs.tuning.tuning_space import Space
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonValue, Node


def continuous(name: str, least: float, most: float, scaling: str = "Auto") -> dict[str, str]:
    return {"Name": name, "MinValue": str(least), "MaxValue": str(most), "ScalingType": scaling}


def space(**ranges: JsonValue) -> Space:
    return Space.of(Node({f"{kind}ParameterRanges": items for kind, items in ranges.items()}))


def best_of(search: Search, loss: Callable[[Mapping[str, str]], float], trials: int) -> float:
    values = []
    for _ in range(trials):
        proposed = search.propose()
        assert proposed is not None
        number, tuned = proposed
        values.append(loss(tuned))
        search.tell(number, values[-1])
    return min(values)


def bowl(tuned: Mapping[str, str]) -> float:
    """A loss that is least at a rate of 0.7 and a size of 20, with the second of two optimizers."""
    distance = (float(tuned["rate"]) - 0.7) ** 2 + ((int(tuned["size"]) - 20) / 84) ** 2
    return distance + (0.0 if tuned["optimizer"] == "adam" else 0.3)


@pytest.fixture
def searched() -> Space:
    return space(
        Continuous=[continuous("rate", 0, 1)],
        Integer=[continuous("size", 16, 100, "Linear")],
        Categorical=[{"Name": "optimizer", "Values": ["sgd", "adam"]}],
    )


def test_bayesian_search_comes_closer_than_chance_with_as_many_trials(searched: Space) -> None:
    model = statistics.median(best_of(Bayesian(searched, seed), bowl, 25) for seed in range(5))
    chance = statistics.median(best_of(Random(searched, seed), bowl, 25) for seed in range(5))

    assert model < chance / 3


def test_a_seed_repeats_the_search(searched: Space) -> None:
    first, second = Bayesian(searched, 3), Bayesian(searched, 3)

    assert best_of(first, bowl, 8) == best_of(second, bowl, 8)


def test_trials_that_run_side_by_side_are_different(searched: Space) -> None:
    search = Bayesian(searched, 0)
    best_of(search, bowl, 8)

    side_by_side = [search.propose()[1] for _ in range(4)]
    assert len({tuple(tuned.values()) for tuned in side_by_side}) == 4


def test_a_trial_without_an_objective_is_learned_nothing_from(searched: Space) -> None:
    search = Bayesian(searched, 0)
    for _ in range(3):
        number, _ = search.propose()
        search.tell(number, None)

    assert best_of(search, bowl, 10) < 1


def test_values_stay_within_their_ranges_and_reach_both_ends() -> None:
    (whole,) = space(Integer=[continuous("n", 2, 4)]).dimensions
    (decimal,) = space(Continuous=[continuous("x", 0.0001, 0.1)]).dimensions

    assert [whole.at(position / 100) for position in (0, 33, 34, 66, 67, 99)] == ["2", "2", "3", "3", "4", "4"]
    assert float(decimal.at(0)) == 0.0001
    assert float(decimal.at(1)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("scaling", "least", "most", "middle"),
    [
        ("Linear", 0.1, 0.9, 0.5),
        ("Logarithmic", 0.01, 0.1, 0.0316),
        ("ReverseLogarithmic", 0.9, 0.99, 0.9684),
        # A hundred times as much: by the logarithm.
        ("Auto", 0.001, 0.1, 0.01),
        ("Auto", 0.01, 0.1, 0.055),
    ],
)
def test_the_middle_of_a_range_is_that_of_its_scaling(scaling: str, least: float, most: float, middle: float) -> None:
    (dimension,) = space(Continuous=[continuous("x", least, most, scaling)]).dimensions

    assert float(dimension.at(0.5)) == pytest.approx(middle, rel=1e-3)


def test_a_grid_ends() -> None:
    grid = Grid(space(Categorical=[{"Name": "a", "Values": ["1", "2"]}]))

    assert [grid.propose() for _ in range(3)] == [(1, {"a": "1"}), (2, {"a": "2"}), None]


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([continuous("x", 0, 1, "Logarithmic")], "needs a MinValue above 0"),
        ([continuous("x", 0, 2, "ReverseLogarithmic")], "within 0 and 1"),
        ([continuous("x", 0, 1), continuous("x", 0, 1)], "given twice: x"),
        ([{"Name": "x", "MinValue": "0", "MaxValue": "inf"}], "the bound 'inf', which is not a number"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(ranges: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        space(Continuous=ranges)
