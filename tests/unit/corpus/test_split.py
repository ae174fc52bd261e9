from __future__ import annotations

from collections import Counter

import pytest

from training_scripts.corpus.split import Splitter

IDS = [f"d{number}" for number in range(20_000)]


def test_shares_come_out_about_as_asked() -> None:
    parts = Counter(Splitter(validation=0.2, test=0.1, seed=3).parts_of(IDS, [None] * len(IDS)))

    assert parts["validation"] / len(IDS) == pytest.approx(0.2, abs=0.01)
    assert parts["test"] / len(IDS) == pytest.approx(0.1, abs=0.01)


def test_neither_order_nor_company_moves_a_document() -> None:
    splitter = Splitter(validation=0.3, test=0.3, seed=3)
    together = dict(zip(IDS, splitter.parts_of(IDS, [None] * len(IDS)), strict=True))

    few = IDS[40:10:-3]

    assert splitter.parts_of(few, [None] * len(few)) == [together[name] for name in few]


def test_another_seed_splits_otherwise() -> None:
    one, other = (Splitter(0.3, 0.3, seed).parts_of(IDS[:100], [None] * 100) for seed in (1, 2))

    assert one != other


def test_the_sources_own_test_part_stays_and_validation_comes_out_of_train() -> None:
    parts = Splitter(validation=0.5, test=0.1, seed=0).parts_of(IDS[:100], ["train", "test"] * 50)

    assert set(parts[1::2]) == {"test"}
    assert set(parts[::2]) == {"train", "validation"}


def test_a_source_with_a_validation_part_of_its_own_is_left_as_it_is() -> None:
    parts = Splitter(validation=0.5, test=0.1, seed=0).parts_of(IDS[:3], ["train", "validation", "test"])

    assert parts == ["train", "validation", "test"]
