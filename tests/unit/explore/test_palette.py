from __future__ import annotations

import itertools

import numpy as np
import pytest

from explore import palette

# Machado, Oliveira and Fernandes 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency:
# severity 1.0, on linear RGB.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
GROUNDS = {"light": (palette.ON_LIGHT, palette.LIGHT_GROUND), "dark": (palette.ON_DARK, palette.DARK_GROUND)}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, white D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ rgb / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(np.clip(xyz, 0, None)), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(colour: str) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("eyes", EYES)
def test_every_two_colours_look_different_to_all_eyes(eyes: str, ground: str) -> None:
    seen = [lab(np.clip(EYES[eyes] @ linear(colour), 0, 1)) for colour in GROUNDS[ground][0]]

    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 35


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_has_a_contrast_of_3_to_1_to_its_ground(ground: str) -> None:
    colours, behind = GROUNDS[ground]
    for colour in colours:
        darker, lighter = sorted([luminance(colour), luminance(behind)])
        assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_sixty_groups_have_marks_of_their_own() -> None:
    centres = np.random.default_rng(0).random((60, 2))

    assert len(set(palette.marks(centres, [1] * 60))) == 60


def test_neighbours_on_the_map_have_other_colours() -> None:
    near = [(0.0, 0.0), (0.01, 0.0), (0.0, 0.01)]
    far = [(100.0 + row, 100.0 * row) for row in range(6)]
    marks = palette.marks(np.array([*near, *far]), [5] * 9)

    assert len({mark.colour for mark in marks[:3]}) == 3


def test_centres_are_the_medians_of_the_members() -> None:
    positions = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0], [5.0, 5.0]])

    assert palette.centres_of(positions, np.array([0, 0, 0, 1]), 3).tolist() == [[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]]
