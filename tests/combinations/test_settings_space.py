"""The combinations: which there are, which are refused, and what the documentation says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.combinations.settings_space import SPACE, Pair, covering, pairs, refusal, refused_pairs, summary

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_two_values_stand_together_in_a_stage_that_the_settings_take_or_are_refused() -> None:
    rows, refused = covering(), refused_pairs().keys()
    met = {((one, row[one]), (other, row[other])) for row in rows for one in SPACE for other in SPACE}

    assert [refusal(row) for row in rows] == [None] * len(rows)
    assert {pair for pair in pairs() if pair not in refused} <= met
    assert not refused & met


@pytest.mark.parametrize("pair", refused_pairs(), ids=str)
def test_what_cannot_work_together_is_refused_by_the_names_of_both(pair: Pair) -> None:
    said = refused_pairs()[pair]

    assert any(all(any(name in sentence for name in _names(*each)) for each in pair) for sentence in said), said


def _names(name: str, value: str) -> Iterator[str]:
    yield from (name, name.rpartition(".")[2])
    for body in SPACE[name][value].values():
        if isinstance(body, dict):
            yield from (f"{name}.{member}" for member in body)


def test_the_documentation_tells_the_combinations_that_are_proven(request: pytest.FixtureRequest) -> None:
    """Run pytest with --update-snapshots to write it anew."""
    head, tail = "<!-- combinations -->\n", "<!-- end of combinations -->\n"
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(head)
    told, _, after = rest.partition(tail)
    if request.config.getoption("--update-snapshots", default=False):
        DOCUMENT.write_text(before + head + summary() + tail + after, encoding="utf-8")
        told = summary()

    assert told == summary()
