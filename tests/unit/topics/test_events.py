from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_functions.events import body_of, request_of
from url_functions.problems import Code, Problem


def event(**changes: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "post"}, "requestId": "r"},
        "body": "1,2,3",
        "isBase64Encoded": False,
        **changes,
    }


def body(max_bytes: int = 1000, **changes: Any) -> bytes:
    return body_of(request_of(event(**changes)), max_bytes=max_bytes)


def test_method_is_upper_case_and_header_names_are_lower_case() -> None:
    request = request_of(event(headers={"Content-Type": "text/csv"}))

    assert request.method == "POST"
    assert request.headers == {"content-type": "text/csv"}


@given(st.binary(min_size=1, max_size=500))
def test_a_body_comes_out_of_base64_as_it_went_in(content: bytes) -> None:
    assert body(body=base64.b64encode(content).decode(), isBase64Encoded=True) == content


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3).filter(any))
def test_a_gzip_body_of_any_number_of_members_comes_out_whole(members: list[bytes]) -> None:
    compressed = base64.b64encode(b"".join(map(gzip.compress, members))).decode()

    assert body(body=compressed, isBase64Encoded=True, headers={"content-encoding": "GZIP"}) == b"".join(members)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8), max_size=4) | st.none())
def test_any_event_is_a_request_or_refused(value: object) -> None:
    with pytest.raises(Problem) as refusal:
        request_of(value)

    assert refusal.value.code == Code.NOT_A_URL_EVENT


def zipped(content: bytes) -> dict[str, Any]:
    return {
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
        "headers": {"content-encoding": "gzip"},
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"body": None}, Code.EMPTY_BODY),
        ({"body": ""}, Code.EMPTY_BODY),
        ({"body": 7}, Code.NOT_A_URL_EVENT),
        ({"body": "not base64!", "isBase64Encoded": True}, Code.NOT_BASE64),
        ({"body": "é", "isBase64Encoded": True}, Code.NOT_BASE64),
        ({"body": "\ud800"}, Code.NOT_UTF8),
        (zipped(b"no gzip"), Code.NOT_GZIP),
        (zipped(gzip.compress(b"1,2,3")[:-3]), Code.NOT_GZIP),
        (zipped(gzip.compress(b"1,2,3") + b"rest"), Code.NOT_GZIP),
        (zipped(gzip.compress(b"")), Code.EMPTY_BODY),
        ({"headers": {"content-encoding": "br"}}, Code.UNSUPPORTED_ENCODING),
        ({"body": "1" * 1001}, Code.BODY_TOO_LARGE),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(changes: dict[str, Any], code: Code) -> None:
    with pytest.raises(Problem) as refusal:
        body(**changes)

    assert refusal.value.code == code


def test_a_gzip_bomb_is_refused_without_being_unpacked() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)

    with pytest.raises(Problem) as refusal:
        body(max_bytes=1000, **zipped(bomb))

    assert refusal.value.code == Code.BODY_TOO_LARGE


def test_bytes_that_were_replaced_on_the_way_are_seen_by_the_length_of_the_body() -> None:
    content = "grün".encode("cp1252")
    replaced = content.decode("utf-8", "replace")

    with pytest.raises(Problem) as refusal:
        body(body=replaced, headers={"Content-Length": str(len(content))})

    assert refusal.value.code == Code.NOT_UTF8
    assert body(body=replaced, headers={"content-length": str(len(replaced.encode()))}) == replaced.encode()
