from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts import recordio

from topics_function.reading.csv_codec import rows_of
from url_functions.limits import MAX_COUNT
from url_functions.problems import Code, Problem

counts = st.integers(min_value=0, max_value=MAX_COUNT)
counted_rows = st.lists(counts, min_size=3, max_size=3).filter(any)


def read(body: bytes, feature_dim: int = 3) -> list[list[float]]:
    """Read the records that the rows became."""
    rows = rows_of(body, feature_dim=feature_dim, max_rows=100)
    assert not [row for row in rows if isinstance(row, Problem)]
    records = b"".join(row for row in rows if isinstance(row, bytes))
    dense: list[list[float]] = recordio.read_records(records, feature_dim=feature_dim).toarray().tolist()
    return dense


def problems_in(body: bytes) -> list[Problem]:
    try:
        return [row for row in rows_of(body, feature_dim=3, max_rows=100) if isinstance(row, Problem)]
    except Problem as problem:
        return [problem]


@given(st.lists(counted_rows, min_size=1, max_size=20), st.sampled_from([",", ", ", " ,", " , ", "\t,"]), st.booleans())
def test_rows_of_counts_come_back_in_order_and_unchanged(
    rows: list[list[int]], comma: str, final_newline: bool
) -> None:
    body = "\r\n".join(comma.join(map(str, row)) for row in rows) + ("\r\n" if final_newline else "")

    assert read(body.encode()) == rows


@given(
    st.lists(st.lists(st.floats(0, MAX_COUNT, width=32), min_size=3, max_size=3).filter(any), min_size=1, max_size=10)
)
def test_floats_keep_their_value(rows: list[list[float]]) -> None:
    body = "\n".join(",".join(map(repr, row)) for row in rows)

    assert read(body.encode()) == rows


@given(st.binary(max_size=60) | st.text("0123456789,.-+ enaif\n\r\t", max_size=60).map(str.encode))
def test_what_is_passed_on_is_always_a_row_of_finite_counts(body: bytes) -> None:
    try:
        rows = rows_of(body, feature_dim=3, max_rows=100)
    except Problem:
        return
    for row in rows:
        if isinstance(row, bytes):
            (cells,) = recordio.read_records(row, feature_dim=3).toarray().tolist()
            assert all(0 <= cell <= MAX_COUNT for cell in cells)


@pytest.mark.parametrize(
    ("body", "code", "row", "column"),
    [
        (b"", Code.EMPTY_BODY, None, None),
        (b"\n", Code.EMPTY_BODY, None, None),
        (b"1,2,3\n1,2", Code.WRONG_WIDTH, 2, None),
        (b"1,2,3\n\n1,2,3", Code.WRONG_WIDTH, 2, None),
        (b"bike,car,train\n1,2,3", Code.HEADER_ROW, 1, 1),
        (b"1,car,train", Code.NOT_A_NUMBER, 1, 2),
        (b"1,,3", Code.NOT_A_NUMBER, 1, 2),
        (b",2,3", Code.NOT_A_NUMBER, 1, 1),
        (b"1,2,3\n,2,3", Code.NOT_A_NUMBER, 2, 1),
        (b"1,2,3\n1,2,", Code.NOT_A_NUMBER, 2, 3),
        (b"1,2,\n1,2,3", Code.NOT_A_NUMBER, 1, 3),
        (b"1,x,3", Code.NOT_A_NUMBER, 1, 2),
        (b"12,,3", Code.NOT_A_NUMBER, 1, 2),
        (b"1,2 3,4", Code.NOT_A_NUMBER, 1, 2),
        (b"1,1_000,4", Code.NOT_A_NUMBER, 1, 2),
        (b"1,0x10,4", Code.NOT_A_NUMBER, 1, 2),
        (b'1,"2",3', Code.NOT_A_NUMBER, 1, 2),
        ("1,\uff12,3".encode(), Code.NOT_A_NUMBER, 1, 2),
        (b"1,2,3\n4,-1,6", Code.NEGATIVE_COUNT, 2, 2),
        (b"1,nan,3", Code.NOT_FINITE, 1, 2),
        (b"1,-inf,3", Code.NOT_FINITE, 1, 2),
        (b"1,1e999,3", Code.NOT_FINITE, 1, 2),
        (b"1,16777217,3", Code.COUNT_TOO_LARGE, 1, 2),
        (b"1,2,3\n0,0,0", Code.NO_KNOWN_WORDS, 2, None),
        (b"0.0, 0,-0", Code.NO_KNOWN_WORDS, 1, None),
    ],
)
def test_a_faulty_row_is_refused_with_its_place(body: bytes, code: Code, row: int | None, column: int | None) -> None:
    problem = problems_in(body)[0]

    assert (problem.code, problem.row, problem.column) == (code, row, column)


def test_a_byte_order_mark_is_no_part_of_the_first_count() -> None:
    assert read(b"\xef\xbb\xbf1,2,3\n") == [[1, 2, 3]]


def test_the_largest_count_is_taken_and_one_more_is_not() -> None:
    assert read(b"%d,0,0" % MAX_COUNT) == [[MAX_COUNT, 0, 0]]
    assert problems_in(b"%d,0,0" % (MAX_COUNT + 1))[0].code == Code.COUNT_TOO_LARGE


def test_good_rows_are_kept_beside_faulty_ones() -> None:
    rows = rows_of(b"1,2,3\n1,2\n4,5,6", feature_dim=3, max_rows=100)

    assert [None if isinstance(row, bytes) else row.code for row in rows] == [None, Code.WRONG_WIDTH, None]


def test_a_vocabulary_of_one_word_has_rows_of_one_count() -> None:
    assert read(b"1\n2\n12\n", feature_dim=1) == [[1], [2], [12]]
    assert [getattr(row, "code", None) for row in rows_of(b"1\n\n2", feature_dim=1, max_rows=100)] == [
        None,
        Code.WRONG_WIDTH,
        None,
    ]


@given(st.lists(st.lists(st.integers(0, 12), min_size=60, max_size=60).filter(any), min_size=1, max_size=3))
def test_long_rows_of_one_and_two_digits_keep_every_count_in_its_column(rows: list[list[int]]) -> None:
    body = "\n".join(",".join(map(str, row)) for row in rows)

    assert read(body.encode(), feature_dim=60) == rows


@given(st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=1, max_size=8))
def test_a_body_of_digits_alone_is_read_as_it_would_be_beside_a_row_that_is_not(rows: list[list[int]]) -> None:
    body = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()

    alone = rows_of(body, feature_dim=5, max_rows=100)
    beside = rows_of(body + b"10,0,0,0,0\n", feature_dim=5, max_rows=100)[:-1]

    assert [row if isinstance(row, bytes) else row.members() for row in alone] == [
        row if isinstance(row, bytes) else row.members() for row in beside
    ]


def test_a_body_of_digits_alone_may_have_no_more_rows_than_any_other() -> None:
    with pytest.raises(Problem) as refused:
        rows_of(b"1,2,3\n" * 101, feature_dim=3, max_rows=100)

    assert refused.value.code == Code.TOO_MANY_ROWS
