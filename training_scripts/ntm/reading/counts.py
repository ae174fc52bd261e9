"""Rows of word counts that cannot be used: one error for every format. NumPy and SciPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class CountsError(ValueError):
    """Documents that no model can read. `row` and `column` count from 1; None where the fault has no such place."""

    def __init__(self, code: str, row: int | None, column: int | None, detail: str) -> None:
        place = "" if row is None else f"row {row}: " if column is None else f"row {row}, column {column}: "
        super().__init__(place + detail)
        self.code = code
        self.row = row
        self.column = column
        self.detail = detail


def refuse_negative(counts: csr_matrix, *, first_row: int = 1) -> None:
    """Raise CountsError `negative_count` at the first count below 0; `first_row` is the number of the first row."""
    negative = np.flatnonzero(counts.data < 0)
    if negative.size:
        row = int(np.searchsorted(counts.indptr, negative[0], side="right")) - 1
        column = int(counts.indices[negative[0]]) + 1
        raise CountsError(
            "negative_count", row + first_row, column, f"{counts.data[negative[0]]:g} is not a count of 0 or more"
        )
