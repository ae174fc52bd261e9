from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.sagemaker.jobs.transform.json_path import JsonPath, JsonPathError

DOCUMENT: dict[str, Any] = {
    "id": 7,
    "record": {"features": [1, 2, 3], "a.b": "dotted"},
    "tags": [{"k": "x"}, {"k": "y"}, {"other": 1}],
}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("$", DOCUMENT),
        ("$.id", 7),
        ("$['id']", 7),
        ("$.record.features", [1, 2, 3]),
        ("$.record['a.b']", "dotted"),
        ("$['id','tags']", {"id": 7, "tags": DOCUMENT["tags"]}),
        ("$.record.features[0]", 1),
        ("$.record.features[-1]", 3),
        ("$.record.features[0,-1]", [1, 3]),
        ("$.record.features[1:]", [2, 3]),
        ("$.record.features[:-1]", [1, 2]),
        ("$.record.*", [[1, 2, 3], "dotted"]),
        ("$.tags[*].k", ["x", "y"]),
        ("$.record.['features']", [1, 2, 3]),
    ],
)
def test_an_expression_selects_its_part(expression: str, selected: Any) -> None:
    assert JsonPath(expression).select(DOCUMENT) == selected


@pytest.mark.parametrize("expression", ["", "id", "$id", "$..id", "$.tags[?(@.k)]", "$[", "$.record.", "$['a', 1]"])
def test_what_is_no_expression_of_the_subset_is_refused(expression: str) -> None:
    with pytest.raises(JsonPathError):
        JsonPath(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$.none", "there is no none"),
        ("$.id.more", "there is no object to take more from"),
        ("$.record.features[3]", "no element 3 in an array of 3"),
        ("$.record[0]", "there is no array"),
        ("$['id','gone']", "there is no gone"),
    ],
)
def test_what_the_document_does_not_have_is_named(expression: str, message: str) -> None:
    with pytest.raises(JsonPathError, match=message):
        JsonPath(expression).select(DOCUMENT)


@given(st.lists(st.integers(), max_size=6), st.none() | st.integers(-7, 7), st.none() | st.integers(-7, 7))
def test_slices_are_pythons(items: list[int], start: int | None, end: int | None) -> None:
    expression = f"$[{'' if start is None else start}:{'' if end is None else end}]"

    assert JsonPath(expression).select(items) == items[start:end]


@given(st.text(alphabet="$.[]*'\",:0123456789ab -?()@"))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    with contextlib.suppress(JsonPathError):
        JsonPath(f"${text}")
