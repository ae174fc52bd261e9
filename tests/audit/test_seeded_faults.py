from __future__ import annotations

import pytest

from audit.assembly import Assembly
from audit.faults import seeded
from audit.faults.seeded import Seed
from audit.report import ALL_SEEDS
from rules.engine import ALL_RULES, check_all


def test_the_unedited_templates_break_no_rule(prod: Assembly) -> None:
    assert check_all(prod.templates) == []


@pytest.mark.parametrize("seed", ALL_SEEDS, ids=lambda seed: seed.name)
def test_a_weakening_edit_is_caught_by_exactly_the_rule_it_names(prod: Assembly, seed: Seed) -> None:
    [caught] = seeded.sow(prod, (seed,))

    assert caught.rules == (seed.rule,)


def test_there_is_a_fault_for_every_rule_and_more_than_forty() -> None:
    assert {seed.rule for seed in ALL_SEEDS} == {rule.id for rule in ALL_RULES}
    assert len({seed.name for seed in ALL_SEEDS}) == len(ALL_SEEDS) >= 40


def test_the_report_has_a_row_for_every_fault(prod: Assembly) -> None:
    rows = seeded.table(prod, ALL_SEEDS).rows

    assert [row.cells[0] for row in rows] == [seed.name for seed in ALL_SEEDS]
    assert {row.cells[3] for row in rows} == {"caught"}


def test_a_fault_that_its_rule_misses_is_told_as_such(prod: Assembly) -> None:
    harmless = Seed("Nothing is changed", "TM-KEY-NOT-PUBLIC", "Data", "AWS::KMS::Key", lambda _: None)

    [row] = seeded.table(prod, (harmless,)).rows

    assert row.cells[2:] == ("nothing", "not as it should be")


def test_an_edit_leaves_the_templates_as_they_are(prod: Assembly) -> None:
    list(seeded.sow(prod, ALL_SEEDS))

    assert check_all(prod.templates) == []
