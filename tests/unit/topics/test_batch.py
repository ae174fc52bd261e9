from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from topics_function.reading.batch import calls_of

rows_strategy = st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=40)


@given(rows_strategy, st.integers(30, 200))
def test_every_row_is_in_one_call_in_order_and_no_call_is_too_large(rows: list[bytes], max_bytes: int) -> None:
    runs = list(calls_of(rows, max_bytes=max_bytes))

    assert [row for start, end in runs for row in rows[start:end]] == rows
    assert all(sum(map(len, rows[start:end])) <= max_bytes for start, end in runs)


@given(rows_strategy, st.integers(30, 200))
def test_no_call_could_have_taken_the_next_row(rows: list[bytes], max_bytes: int) -> None:
    for start, end in list(calls_of(rows, max_bytes=max_bytes))[:-1]:
        assert sum(map(len, rows[start : end + 1])) > max_bytes
