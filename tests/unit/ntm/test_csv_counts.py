from __future__ import annotations

import codecs
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from training_scripts.ntm.reading import csv_counts
from training_scripts.ntm.reading.counts import CountsError

COLUMNS = 3
numbers = st.one_of(
    st.integers(0, 10_000).map(str),
    st.floats(0, 1e30).map(repr),
    st.floats(0, 1e6).map(lambda value: f"{value:.3f}"),
    st.integers(0, 10**18).map(str),
    st.just("+3"),
    st.just("1."),
    st.just("1e2"),
)
blanks = st.sampled_from(["", " ", "\t", "   "])


@given(
    st.lists(st.lists(st.tuples(blanks, numbers, blanks), min_size=COLUMNS, max_size=COLUMNS), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_every_number_is_read_as_python_reads_it(
    rows: list[list[tuple[str, str, str]]], newline: str, end: str
) -> None:
    body = newline.join(",".join("".join(cell) for cell in row) for row in rows) + end

    got = csv_counts.parse(body.encode(), feature_dim=COLUMNS).toarray()

    expected = np.array([[float(number) for _, number, _ in row] for row in rows]).astype(np.float32)
    np.testing.assert_array_equal(got, expected)


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=6), st.booleans())
def test_rows_of_digits_alone_are_read_as_they_are_beside_a_row_that_is_not(
    rows: list[list[int]], final_newline: bool
) -> None:
    text = "\n".join(",".join(map(str, row)) for row in rows)

    alone = csv_counts.parse((text + "\n" * final_newline).encode(), feature_dim=4)
    beside = csv_counts.parse(f"{text}\n10,0,0,0".encode(), feature_dim=4)[:-1]

    assert alone.toarray().tolist() == beside.toarray().tolist() == rows
    assert alone.nnz == beside.nnz
    assert alone.has_sorted_indices


@given(st.binary(max_size=60))
def test_any_bytes_are_either_read_or_refused_with_a_code(body: bytes) -> None:
    refusal: CountsError | None = None
    counts = csr_matrix((0, COLUMNS))
    try:
        counts = csv_counts.parse(body, feature_dim=COLUMNS)
    except CountsError as error:
        refusal = error

    codes = {"empty_body", "wrong_width", "not_a_number", "negative_count"}
    assert refusal is None or refusal.code == "not_utf8" or (refusal.code in codes and refusal.row is not None)
    assert counts.shape[1] == COLUMNS
    assert (np.isfinite(counts.data) & (counts.data >= 0)).all()


@pytest.mark.parametrize(
    ("body", "code", "row", "column"),
    [
        ("", "empty_body", 1, None),
        ("\n\n", "empty_body", 1, None),
        ("1,2,3\n1,2", "wrong_width", 2, None),
        ("1,2,3,4", "wrong_width", 1, None),
        ("1,2,3\n\n1,2,3", "wrong_width", 2, None),
        ("bike,car,train\n1,2,3", "not_a_number", 1, 1),
        ("1,2,3\n4,,6", "not_a_number", 2, 2),
        ("1,x,3\n1,2", "not_a_number", 1, 2),
        ("1,2,3\n4,-1,6", "negative_count", 2, 2),
        ("1,nan,3", "negative_count", 1, 2),
        ("1,-inf,3", "negative_count", 1, 2),
        ("1,2,1e39", "negative_count", 1, 3),
        ("1,1_000,3", "not_a_number", 1, 2),
        ("1,1 2,3", "not_a_number", 1, 2),
        ("1,1.2.3,3", "not_a_number", 1, 2),
        ("1,.,3", "not_a_number", 1, 2),
        ("1,0x10,3", "not_a_number", 1, 2),
        ('1,"2",3', "not_a_number", 1, 2),
        ("1;2;3", "wrong_width", 1, None),
        ("1,\N{ARABIC-INDIC DIGIT TWO},3", "not_a_number", 1, 2),
    ],
)
def test_a_faulty_row_is_refused_with_its_place(body: str, code: str, row: int, column: int | None) -> None:
    with pytest.raises(CountsError) as refusal:
        csv_counts.parse(body.encode(), feature_dim=COLUMNS)

    assert (refusal.value.code, refusal.value.row, refusal.value.column) == (code, row, column)


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 30), st.sampled_from([b"", codecs.BOM_UTF8]))
def test_every_line_end_parts_rows_wherever_the_blocks_fall(newline: bytes, block_bytes: int, mark: bytes) -> None:
    body = mark + newline.join(b"%d,%d,0" % (row, 10 * row) for row in range(20)) + newline

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_counts, "_BLOCK_BYTES", block_bytes)
        blocks = list(csv_counts.iter_blocks(io.BytesIO(body), feature_dim=COLUMNS))
        with pytest.raises(CountsError) as refusal:
            list(csv_counts.iter_blocks(io.BytesIO(body + b"1,2,bad"), feature_dim=COLUMNS))

    whole = csv_counts.parse(body, feature_dim=COLUMNS)
    assert np.vstack([block.toarray() for block in blocks]).tolist() == whole.toarray().tolist()
    assert whole[:, 1].toarray().ravel().tolist() == [10 * row for row in range(20)]
    assert (refusal.value.row, refusal.value.column) == (21, 3)


def test_minus_zero_is_zero() -> None:
    assert csv_counts.parse(b"-0,0,-0.0", feature_dim=COLUMNS).toarray().tolist() == [[0, 0, 0]]


def test_a_stream_is_read_in_blocks_that_number_rows_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_counts, "_BLOCK_BYTES", 7)
    body = b"".join(b"%d,%d,0\n" % (row, 10 * row) for row in range(30))

    blocks = list(csv_counts.iter_blocks(io.BytesIO(body), feature_dim=COLUMNS))

    assert len(blocks) > 5
    assert np.vstack([block.toarray() for block in blocks])[:, 1].tolist() == [10 * row for row in range(30)]
    with pytest.raises(CountsError) as refusal:
        list(csv_counts.iter_blocks(io.BytesIO(body + b"1,2,bad"), feature_dim=COLUMNS))
    assert (refusal.value.row, refusal.value.column) == (31, 3)
