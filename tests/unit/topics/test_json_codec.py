from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts import recordio

from topics_function.reading.json_codec import instance_rows, request_of
from url_functions.limits import MAX_COUNT
from url_functions.problems import Code, Problem

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
number = st.integers(0, MAX_COUNT) | st.floats(0, MAX_COUNT, width=32)


def dense(row: bytes | Problem) -> list[float]:
    assert isinstance(row, bytes), row
    (counts,) = recordio.read_records(row, feature_dim=3).toarray().tolist()
    return list(counts)


def only_problem(instance: object) -> Problem:
    (row,) = instance_rows([instance], feature_dim=3)
    assert isinstance(row, Problem), row
    return row


@given(st.lists(number, min_size=3, max_size=3).filter(any))
def test_every_form_of_an_instance_means_the_same_counts(counts: list[float]) -> None:
    sparse = {"keys": [2, 0, 1], "shape": [3], "values": [counts[2], counts[0], counts[1]]}
    forms: list[object] = [
        {"features": counts},
        {"data": {"features": {"values": counts}}},
        {"data": {"features": sparse}},
        {"data": {"features": {**sparse, "shape": [1, 3]}}},
    ]

    assert [dense(row) for row in instance_rows(forms, feature_dim=3)] == [counts] * len(forms)


@given(json_values)
def test_any_json_is_counts_or_a_problem_with_a_pointer(value: object) -> None:
    (row,) = instance_rows([value], feature_dim=3)

    if isinstance(row, Problem):
        assert row.pointer is not None
        assert row.pointer.startswith("/instances/0")
    else:
        assert all(0 <= count <= MAX_COUNT for count in dense(row))


@given(json_values | st.binary(max_size=40))
def test_any_body_is_a_request_or_a_problem(value: object) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    try:
        request = request_of(body, max_rows=100)
    except Problem:
        return
    assert (request.instances is None) != (request.documents is None)


def sparse(keys: object, values: object, shape: object = None) -> dict[str, object]:
    return {"data": {"features": {"keys": keys, "values": values, "shape": [3] if shape is None else shape}}}


@pytest.mark.parametrize(
    ("instance", "code", "pointer"),
    [
        ({"features": [1, 2]}, Code.WRONG_WIDTH, "/instances/0/features"),
        ({"features": [1, -2, 3]}, Code.NEGATIVE_COUNT, "/instances/0/features/1"),
        ({"features": [1, True, 3]}, Code.WRONG_SHAPE, "/instances/0/features/1"),
        ({"features": [1, "2", 3]}, Code.WRONG_SHAPE, "/instances/0/features/1"),
        ({"features": [1, None, 3]}, Code.WRONG_SHAPE, "/instances/0/features/1"),
        ({"features": [1, float("inf"), 3]}, Code.NOT_FINITE, "/instances/0/features/1"),
        ({"features": [1, 2**24 + 1, 3]}, Code.COUNT_TOO_LARGE, "/instances/0/features/1"),
        ({"features": [1, 10**400, 3]}, Code.COUNT_TOO_LARGE, "/instances/0/features/1"),
        ({"features": [1.5, 10**400, 3]}, Code.COUNT_TOO_LARGE, "/instances/0/features/1"),
        ({"features": [0, 0, 0]}, Code.NO_KNOWN_WORDS, "/instances/0"),
        ({"features": "1,2,3"}, Code.WRONG_SHAPE, "/instances/0/features"),
        ([1, 2, 3], Code.WRONG_SHAPE, "/instances/0"),
        ({"features": [1, 2, 3], "id": 7}, Code.WRONG_SHAPE, "/instances/0"),
        (sparse([0, 3], [1, 1]), Code.KEY_OUT_OF_RANGE, "/instances/0/data/features/keys/1"),
        (sparse([0, -1], [1, 1]), Code.KEY_OUT_OF_RANGE, "/instances/0/data/features/keys/1"),
        (sparse([0, 1.0], [1, 1]), Code.KEY_OUT_OF_RANGE, "/instances/0/data/features/keys/1"),
        (sparse([0, 1, 0], [1, 1, 1]), Code.DUPLICATE_KEY, "/instances/0/data/features/keys/2"),
        (sparse([0], [1, 1]), Code.WRONG_SHAPE, "/instances/0/data/features"),
        (sparse([0], [1], [4]), Code.WRONG_WIDTH, "/instances/0/data/features/shape"),
        (sparse([0], [1], "3"), Code.WRONG_SHAPE, "/instances/0/data/features/shape"),
        (sparse("0", [1]), Code.WRONG_SHAPE, "/instances/0/data/features/keys"),
    ],
)
def test_a_faulty_instance_is_refused_with_a_pointer(instance: object, code: Code, pointer: str) -> None:
    problem = only_problem(instance)

    assert (problem.code, problem.pointer, problem.row) == (code, pointer, 1)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"", Code.INVALID_JSON, None),
        (b"{", Code.INVALID_JSON, None),
        (b'{"instances":[{"features":[NaN]}]}', Code.INVALID_JSON, None),
        (b"[" * 100_000, Code.INVALID_JSON, None),
        (b'{"instances":[%s]}' % (b"1" * 5000), Code.INVALID_JSON, None),
        (b'{"instances":["\xff"]}', Code.NOT_UTF8, None),
        (b"[]", Code.WRONG_SHAPE, ""),
        (b"{}", Code.WRONG_SHAPE, ""),
        (b'{"instances":[],"documents":[]}', Code.WRONG_SHAPE, ""),
        (b'{"instances":{}}', Code.WRONG_SHAPE, "/instances"),
        (b'{"documents":[]}', Code.EMPTY_BODY, "/documents"),
        (b'{"documents":["a"],"a/b":1}', Code.WRONG_SHAPE, "/a~1b"),
        (b'{"documents":["a"],"corpus_version":1}', Code.WRONG_SHAPE, "/corpus_version"),
    ],
)
def test_a_faulty_body_is_refused_with_a_pointer(body: bytes, code: Code, pointer: str | None) -> None:
    with pytest.raises(Problem) as refusal:
        request_of(body, max_rows=100)

    assert (refusal.value.code, refusal.value.pointer) == (code, pointer)


@pytest.mark.parametrize("value", [b"[],", b"{},", b'"ab",'])
def test_a_body_whose_values_would_fill_the_memory_is_refused_before_it_is_parsed(value: bytes) -> None:
    body = b'{"instances":[' + value * (30 * 1024 * 1024 // len(value))

    with pytest.raises(Problem) as refusal:
        request_of(body, max_rows=10_000)

    assert (refusal.value.code, refusal.value.status) == (Code.BODY_TOO_LARGE, 413)


def test_a_million_keys_with_one_repeated_are_refused_at_once() -> None:
    keys = [*range(1_000_000), 5]
    instance = {"data": {"features": {"keys": keys, "values": [1] * len(keys)}}}

    (problem,) = instance_rows([instance], feature_dim=1_000_000)

    assert isinstance(problem, Problem)
    assert problem.pointer == "/instances/0/data/features/keys/1000000"
