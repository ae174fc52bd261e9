from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts import content_types

from url_functions import media_types
from url_functions.media_types import READABLE, WRITABLE, content_type_of, negotiate
from url_functions.problems import Code, Problem


@pytest.mark.parametrize(
    ("accept", "given_type"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/*;q=0.5, application/jsonlines", "application/jsonlines"),
        ("application/json;q=0.2, text/csv;q=0.8", "text/csv"),
        ("*/*, application/json;q=0", "application/jsonlines"),
        ("image/png, */*;q=0.1", "application/json"),
        ("TEXT/CSV ; q=1", "text/csv"),
        ("text/csv;q=much", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_the_best_liked_type_is_given(accept: str | None, given_type: str) -> None:
    assert negotiate(accept) == given_type


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "*/*;q=0", ",", "text/csv;q=nan"])
def test_accepting_nothing_that_can_be_given_is_406(accept: str) -> None:
    with pytest.raises(Problem) as refusal:
        negotiate(accept)

    assert refusal.value.status == 406
    assert refusal.value.allowed == ", ".join(WRITABLE)


def outcome(read: Callable[[str], str], header: str) -> str:
    try:
        return read(header)
    except Problem as problem:
        return problem.code


@given(st.text(max_size=60))
def test_any_header_is_understood_or_refused(header: str) -> None:
    for read, codes in (
        (negotiate, {Code.NOT_ACCEPTABLE}),
        (content_type_of, {Code.UNSUPPORTED_CONTENT_TYPE, Code.UNSUPPORTED_CHARSET}),
    ):
        assert outcome(read, header) in {*READABLE, *WRITABLE, *codes}


def test_the_endpoints_own_types_are_all_read_and_written() -> None:
    assert set(content_types.INFERENCE_REQUEST_TYPES) <= set(READABLE)
    # Records are what SDKs read: a topic URL answers in text.
    assert set(content_types.INFERENCE_RESPONSE_TYPES) - {content_types.RECORDIO_PROTOBUF} <= set(WRITABLE)
    assert media_types.RECORDIO_PROTOBUF == content_types.RECORDIO_PROTOBUF
