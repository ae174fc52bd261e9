from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from training_scripts import prepare
from training_scripts.content_types import RECORDIO_PROTOBUF
from training_scripts.ntm.serving.requests import encode
from training_scripts.recordio import read_records, write_dense, write_sparse

ROOT = Path(__file__).parents[2]
SDK_PYTHON = ROOT / ".venv-sdk-v2" / "bin" / "python"
SCRIPT = Path(__file__).with_name("sdk_records.py")

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(not SDK_PYTHON.exists(), reason="there is no .venv-sdk-v2: `make test` makes it"),
]


def with_sdk(command: str, path: Path, records: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    ran = subprocess.run(
        [SDK_PYTHON, SCRIPT, command, path], input=json.dumps(records), capture_output=True, text=True, check=True
    )
    # The SDK talks on standard output while it is imported; the script's own line is the last.
    found: list[dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1]) if command == "read" else []
    return found


@pytest.fixture
def counts() -> csr_matrix:
    matrix = random_matrix(200, 2000, density=0.03, format="csr", random_state=1)
    matrix.data = np.ceil(matrix.data * 9)
    matrix.data[matrix.indptr[17] : matrix.indptr[18]] = 0
    matrix.eliminate_zeros()
    return csr_matrix(matrix)


def test_the_sdk_reads_our_sparse_records(counts: csr_matrix, tmp_path: Path) -> None:
    with (tmp_path / "sparse.pbr").open("wb") as stream:
        write_sparse(stream, counts)

    records = with_sdk("read", tmp_path / "sparse.pbr")

    assert len(records) == counts.shape[0]
    for number, record in enumerate(records):
        row = counts[number]
        assert (record["feature"], record["tensor"], record["shape"]) == ("values", "float32_tensor", [2000])
        assert (record["keys"], record["values"]) == (row.indices.tolist(), row.data.tolist())


def test_the_sdk_reads_our_dense_records(counts: csr_matrix, tmp_path: Path) -> None:
    with (tmp_path / "dense.pbr").open("wb") as stream:
        write_dense(stream, counts.toarray())

    records = with_sdk("read", tmp_path / "dense.pbr")

    assert [record["values"] for record in records] == counts.toarray().tolist()
    assert all(record["tensor"] == "float32_tensor" and not record["keys"] for record in records)


@pytest.mark.parametrize("kind", ["float32_tensor", "float64_tensor", "int32_tensor"])
@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
def test_we_read_what_the_sdk_writes(counts: csr_matrix, tmp_path: Path, kind: str, *, sparse: bool) -> None:
    rows = counts.toarray().astype(int if kind == "int32_tensor" else float)
    records = [
        {
            "feature": "values",
            "tensor": kind,
            "values": row[row != 0].tolist() if sparse else row.tolist(),
            "keys": np.flatnonzero(row).tolist() if sparse else [],
            "shape": [len(row)] if sparse else [],
        }
        for row in rows
    ]

    with_sdk("write", tmp_path / "records.pbr", records)

    np.testing.assert_array_equal(read_records((tmp_path / "records.pbr").read_bytes()).toarray(), rows)


def test_the_sdk_reads_topic_weights_as_the_label_of_one_record_a_document(tmp_path: Path) -> None:
    weights = np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32)
    (tmp_path / "answer").write_bytes(encode(weights, RECORDIO_PROTOBUF))

    records = with_sdk("read", tmp_path / "answer")

    expected = {"part": "label", "feature": "topic_weights", "tensor": "float32_tensor", "keys": [], "shape": []}
    assert records == [{**expected, "values": row.tolist()} for row in weights]


def test_the_sdk_reads_a_prepared_corpus(tmp_path: Path) -> None:
    words = ["apple", "banana", "cherry", "damson", "elderberry"]
    for number in range(60):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / str(number)).write_text(" ".join(words[number % 5 :] * (1 + number % 3)))
    corpus = tmp_path / "corpus"
    assert prepare.main(["folder", str(tmp_path / "texts"), "--least-words", "1", "--output", str(corpus)]) == 0
    path = corpus / "train" / "part-00000.pbr"

    records = with_sdk("read", path)

    ours = read_records(path.read_bytes())
    assert [record["keys"] for record in records] == [row.indices.tolist() for row in ours]
    assert [record["values"] for record in records] == [row.data.tolist() for row in ours]
