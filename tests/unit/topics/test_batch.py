from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from topics_function.batch import CSV_ROWS, JSON_INSTANCES, Wire, calls_of

wires = st.sampled_from([CSV_ROWS, JSON_INSTANCES])


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=40), wires, st.integers(60, 200))
def test_every_row_is_in_one_call_in_order_and_no_call_is_too_large(
    rows: list[bytes], wire: Wire, max_bytes: int
) -> None:
    runs = list(calls_of(rows, wire, max_bytes=max_bytes))

    assert [row for start, end in runs for row in rows[start:end]] == rows
    assert all(len(wire.body(rows[start:end])) <= max_bytes for start, end in runs)


@given(st.lists(st.binary(min_size=5, max_size=30), min_size=1, max_size=40), wires, st.integers(60, 200))
def test_no_call_could_have_taken_the_next_row(rows: list[bytes], wire: Wire, max_bytes: int) -> None:
    for _, end in list(calls_of(rows, wire, max_bytes=max_bytes))[:-1]:
        start = next(start for start, stop in calls_of(rows, wire, max_bytes=max_bytes) if stop == end)
        assert len(wire.body(rows[start : end + 1])) > max_bytes


def test_instances_are_written_as_the_endpoint_reads_them() -> None:
    assert json.loads(JSON_INSTANCES.body([b'{"features":[1]}', b'{"features":[2]}'])) == {
        "instances": [{"features": [1]}, {"features": [2]}]
    }
