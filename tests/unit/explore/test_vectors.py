from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.sparse import csr_matrix

from explore.documents import NO_KNOWN_WORD, CountedDocuments
from explore.errors import ExploreError
from explore.vectors import load_topic_vectors, write_topic_vectors

if TYPE_CHECKING:
    from pathlib import Path


def documents(rows: int, *, empty: int = 1) -> CountedDocuments:
    counts = np.eye(rows, 5, dtype=np.float32) + np.ones((rows, 5), dtype=np.float32)
    counts[empty] = 0
    ids = [f"id{row}" for row in range(rows)]
    return CountedDocuments(ids, ["a", "b"] * (rows // 2), csr_matrix(counts), "c" * 64, "d" * 64)


WEIGHTS = np.array([[0.1, 0.9], [0.7, 0.3], [0.25, 0.75]], dtype=np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "vectors.parquet"
    write_topic_vectors(path, documents(4), WEIGHTS, model="job-1")
    return path


def test_the_matrix_comes_back_as_it_was_float32_and_contiguous(file: Path) -> None:
    vectors = load_topic_vectors(file)

    assert vectors.weights.dtype == np.float32
    assert vectors.weights.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(vectors.weights, WEIGHTS)
    assert (vectors.ids, vectors.labels) == (["id0", "id2", "id3"], ["a", "a", "b"])
    assert (vectors.model, vectors.corpus) == ("job-1", "c" * 64)


def test_every_document_has_a_row_and_one_without_known_words_nulls_and_the_reason(file: Path) -> None:
    rows = parquet.read_table(file).to_pylist()

    assert [row["id"] for row in rows] == ["id0", "id1", "id2", "id3"]
    assert (rows[1]["topic_0"], rows[1]["topic_1"], rows[1]["reason"]) == (None, None, NO_KNOWN_WORD)
    assert rows[0]["reason"] is None
    assert load_topic_vectors(file).without == {"id1": NO_KNOWN_WORD}


def test_the_columns_are_typed(file: Path) -> None:
    schema = parquet.read_schema(file)

    assert schema.names == ["id", "label", "topic_0", "topic_1", "reason", "model", "corpus"]
    assert schema.field("topic_1").type == pa.float32()


def test_scikit_learn_takes_the_matrix_as_it_is(file: Path) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    vectors = load_topic_vectors(file)

    assert list(KNeighborsClassifier(1).fit(vectors.weights, vectors.labels).predict(vectors.weights)) == [
        "a",
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:2], "2 topic vectors for 3 documents"),
        (WEIGHTS * 2, "document 1 sum to 2.0000"),
        (np.full((3, 2), np.nan, np.float32), "document 1 sum to nan"),
    ],
)
def test_weights_that_are_not_the_documents_are_refused_and_nothing_is_written(
    tmp_path: Path, weights: np.ndarray, message: str
) -> None:
    with pytest.raises(ExploreError, match=message):
        write_topic_vectors(tmp_path / "vectors.parquet", documents(4), weights, model="job-1")

    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_earlier_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: object, partial: Path, **_: object) -> None:
        partial.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(ExploreError, match="No space left on device"):
        write_topic_vectors(file, documents(4), WEIGHTS, model="job-2")

    assert load_topic_vectors(file).model == "job-1"
    assert [path.name for path in file.parent.iterdir()] == ["vectors.parquet"]


ROW: dict[str, list[object]] = {"id": ["a"], "label": [""], "reason": [None], "model": ["m"], "corpus": ["c"]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a"]}, "no column label"),
        (ROW, "no column topic_0"),
        ({**ROW, "topic_0": [0.5], "topic_2": [0.5]}, "but not topic_1"),
        ({**{name: value * 2 for name, value in ROW.items()}, "model": ["m", "n"], "topic_0": [1.0] * 2}, "2 model"),
        ({**ROW, "topic_0": [None], "reason": ["no known word"]}, "none of the 1 documents"),
        ({**ROW, "topic_0": [None]}, "neither topic weights nor a reason"),
    ],
)
def test_another_file_is_refused_with_its_fault(tmp_path: Path, table: dict[str, list[object]], message: str) -> None:
    path = tmp_path / "other.parquet"
    parquet.write_table(pa.table(table), path)

    with pytest.raises(ExploreError, match=message):
        load_topic_vectors(path)


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    path.write_text("id,label")

    with pytest.raises(ExploreError, match="is no Parquet file"):
        load_topic_vectors(path)
    with pytest.raises(ExploreError, match=r"python -m operations\.score"):
        load_topic_vectors(tmp_path / "none.parquet")
