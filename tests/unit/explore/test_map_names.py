from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest

from explore import map_names

mpl.use("Agg")
from matplotlib import pyplot as plt


def test_a_name_is_where_its_group_is_densest_and_not_in_the_middle_of_its_stragglers() -> None:
    members = np.concatenate([np.full((30, 2), [1.0, 1.0]), np.array([[9.0, 9.0], [5.0, 0.0], [0.0, 8.0]])])

    assert map_names.densest(members, span=10.0) == pytest.approx((1.0, 1.0))


def test_no_name_is_over_another_even_where_groups_lie_in_one_place() -> None:
    positions = np.random.default_rng(0).normal(0, 1, (400, 2))
    groups = np.arange(400) % 20
    figure, axes = plt.subplots(figsize=(9, 7))
    axes.scatter(positions[:, 0], positions[:, 1])
    figure.tight_layout()
    names = {group: f"the name of group {group}" for group in range(20)}

    texts = map_names.write(figure, axes, positions, groups, names, ink="black")

    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [text.get_window_extent(renderer) for text in texts]
    plt.close(figure)
    assert len(texts) == 20
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_a_group_without_points_has_no_name_on_the_map() -> None:
    figure, axes = plt.subplots()
    texts = map_names.write(figure, axes, np.zeros((3, 2)), np.array([0, 0, 1]), {0: "a", 1: "b", 2: "c"}, ink="black")
    plt.close(figure)

    assert [text.get_text() for text in texts] == ["a", "b"]
