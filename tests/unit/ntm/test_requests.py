from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from training_scripts import recordio
from training_scripts.content_types import APPLICATION_JSON, APPLICATION_JSONLINES, RECORDIO_PROTOBUF, TEXT_CSV
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving.requests import (
    NotAcceptableError,
    UnsupportedMediaTypeError,
    asks_for_raw_weights,
    decode,
    encode,
    response_type,
)

WORDS = 4
documents = st.lists(st.lists(st.integers(0, 9), min_size=WORDS, max_size=WORDS), min_size=1, max_size=8)


def sparse(row: list[int]) -> dict[str, Any]:
    keys = [key for key, count in enumerate(row) if count]
    return {"data": {"features": {"keys": keys, "shape": [WORDS], "values": [row[key] for key in keys]}}}


def csv_body(rows: list[list[int]]) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


def json_dense(rows: list[list[int]]) -> bytes:
    return json.dumps({"instances": [{"features": row} for row in rows]}).encode()


def json_sparse(rows: list[list[int]]) -> bytes:
    return json.dumps({"instances": [sparse(row) for row in rows]}).encode()


def lines_dense(rows: list[list[int]]) -> bytes:
    return "\n".join(json.dumps({"features": row}) for row in rows).encode()


def lines_sparse(rows: list[list[int]]) -> bytes:
    return "".join(json.dumps(sparse(row)) + "\n" for row in rows).encode()


def records(rows: list[list[int]]) -> bytes:
    stream = io.BytesIO()
    recordio.write_sparse(stream, csr_matrix(np.array(rows, np.float32)))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("write", "content_type"),
    [
        (csv_body, TEXT_CSV),
        (csv_body, "Text/CSV; charset=utf-8"),
        (csv_body, ""),
        (json_dense, APPLICATION_JSON),
        (json_sparse, APPLICATION_JSON),
        (lines_dense, APPLICATION_JSONLINES),
        (lines_sparse, APPLICATION_JSONLINES),
        (records, RECORDIO_PROTOBUF),
    ],
)
@given(rows=documents)
def test_every_format_brings_the_same_counts(write: Any, content_type: str, rows: list[list[int]]) -> None:
    assert decode(write(rows), content_type, feature_dim=WORDS).toarray().tolist() == rows


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["features", "data", "keys", "values", "shape", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=3))
def test_any_json_is_either_read_or_refused_with_a_code(instances: list[Any]) -> None:
    refusal: CountsError | None = None
    counts = csr_matrix((len(instances), WORDS))
    try:
        counts = decode(json.dumps({"instances": instances}).encode(), APPLICATION_JSON, feature_dim=WORDS)
    except CountsError as error:
        refusal = error

    assert refusal is None or (refusal.code.replace("_", "").isalpha() and "\n" not in str(refusal))
    assert counts.shape == (len(instances), WORDS)
    assert (counts.data >= 0).all()


def one(features: Any) -> bytes:
    return json.dumps({"instances": [{"features": [0, 0, 0, 0]}, {"data": {"features": features}}]}).encode()


@pytest.mark.parametrize(
    ("body", "code", "row", "column"),
    [
        (b"", "empty_body", None, None),
        (b"[1,2,3,4]", "bad_json", None, None),
        (b"{", "bad_json", None, None),
        (b'{"instances":[]}', "empty_body", None, None),
        (b'{"instances":[3]}', "bad_instance", 1, None),
        (b'{"instances":[{"features":"1,2"}]}', "bad_instance", 1, None),
        (b'{"instances":[{"features":[1,2,3]}]}', "wrong_width", 1, None),
        (b'{"instances":[{"features":[1,"2",3,4]}]}', "not_a_number", 1, 2),
        (b'{"instances":[{"features":[1,true,3,4]}]}', "not_a_number", 1, 2),
        (b'{"instances":[{"features":[1,null,3,4]}]}', "not_a_number", 1, 2),
        (b'{"instances":[{"features":[1,2,-3,4]}]}', "negative_count", 1, 3),
        (b'{"instances":[{"features":[1,2,1e39,4]}]}', "negative_count", 1, 3),
        (one({"keys": [0, 4], "shape": [4], "values": [1, 1]}), "key_out_of_range", 2, 2),
        (one({"keys": [-1], "shape": [4], "values": [1]}), "key_out_of_range", 2, 1),
        (one({"keys": [1.0], "shape": [4], "values": [1]}), "key_out_of_range", 2, 1),
        (one({"keys": [1, 1], "shape": [4], "values": [1, 1]}), "duplicate_key", 2, 2),
        (one({"keys": [1], "shape": [4], "values": [1, 1]}), "key_count", 2, None),
        (one({"keys": [1], "shape": [5], "values": [1]}), "wrong_width", 2, None),
        (one({"keys": [1], "shape": [4], "values": [-1]}), "negative_count", 2, 1),
        (one({"keys": 1, "shape": [4], "values": [1]}), "bad_instance", 2, None),
    ],
)
def test_a_faulty_json_request_is_refused_with_its_place(
    body: bytes, code: str, row: int | None, column: int | None
) -> None:
    with pytest.raises(CountsError) as refusal:
        decode(body, APPLICATION_JSON, feature_dim=WORDS)

    assert (refusal.value.code, refusal.value.row, refusal.value.column) == (code, row, column)


def test_a_faulty_line_of_json_lines_is_told_by_its_number() -> None:
    with pytest.raises(CountsError) as refusal:
        decode(b'{"features":[1,2,3,4]}\nnonsense\n', APPLICATION_JSONLINES, feature_dim=WORDS)

    assert (refusal.value.code, refusal.value.row) == ("bad_json", 2)


def test_a_damaged_or_negative_record_is_told_by_its_number() -> None:
    body = records([[1, 0, 0, 0], [0, 2, 0, 0]])
    stream = io.BytesIO()
    recordio.write_sparse(stream, csr_matrix(np.array([[1, 0, 0, 0], [0, 0, -2, 0]], np.float32)))

    with pytest.raises(CountsError) as damaged:
        decode(body[:-3], RECORDIO_PROTOBUF, feature_dim=WORDS)
    with pytest.raises(CountsError) as negative:
        decode(stream.getvalue(), RECORDIO_PROTOBUF, feature_dim=WORDS)

    assert (damaged.value.code, damaged.value.row) == ("truncated", 2)
    assert (negative.value.code, negative.value.row, negative.value.column) == ("negative_count", 2, 3)


def test_an_unknown_content_type_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="'image/png'"):
        decode(b"1", "image/png", feature_dim=WORDS)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", APPLICATION_JSON),
        ("*/*", APPLICATION_JSON),
        ("application/json", APPLICATION_JSON),
        ("application/jsonlines", APPLICATION_JSONLINES),
        ("text/html, application/jsonlines;q=0.9", APPLICATION_JSONLINES),
        ("application/x-recordio-protobuf", RECORDIO_PROTOBUF),
    ],
)
def test_the_answers_type_is_the_first_acceptable(accept: str, kind: str) -> None:
    assert response_type(accept) == kind


@pytest.mark.parametrize(
    ("accept", "raw"),
    [
        ("application/json;weights=raw", True),
        ("text/html, application/jsonlines; q=0.9; Weights=Raw", True),
        ("application/json", False),
        ("application/json;weights=rawest", False),
        ("weights=raw", False),
    ],
)
def test_raw_weights_are_asked_for_by_a_parameter_of_the_media_type(accept: str, *, raw: bool) -> None:
    assert asks_for_raw_weights(accept) is raw


def test_an_accept_header_that_asks_for_none_of_them_is_refused() -> None:
    with pytest.raises(NotAcceptableError, match="'text/csv'"):
        response_type("text/csv")


def test_answers_are_json_or_one_json_object_a_line() -> None:
    weights = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)

    assert json.loads(encode(weights, APPLICATION_JSON)) == {
        "predictions": [{"topic_weights": [0.25, 0.75]}, {"topic_weights": [1.0, 0.0]}]
    }
    lines = encode(weights, APPLICATION_JSONLINES).splitlines()
    assert [json.loads(line) for line in lines] == [{"topic_weights": [0.25, 0.75]}, {"topic_weights": [1.0, 0.0]}]
