from __future__ import annotations

from pathlib import Path

import pytest

from similar_function.problems import OWN_KINDS, SimilarCode, SimilarProblem
from url_functions.problems import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "similar.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", SimilarCode)
def test_every_code_is_in_the_table_of_the_page(code: SimilarCode) -> None:
    kind = OWN_KINDS[code]
    retry = "yes" if kind.retry else "no"

    assert f"| `{code}` | {kind.status} | {kind.title} | {retry} |" in PAGE


def test_no_code_has_two_meanings() -> None:
    assert not {str(code) for code in KINDS} & {str(code) for code in OWN_KINDS}
    assert len(SimilarProblem.kinds) == len(KINDS) + len(OWN_KINDS)
