"""What the URL takes for text, under every content type that is text: line ends, marks, encodings, compression."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest

TYPES = {
    "text/csv": "2,0,0\n0,1,0\n",
    "application/json": '{"instances":\n[{"features": [2, 0, 0]},\n{"features": [0, 1, 0]}]}',
    "application/jsonlines": '{"features": [2, 0, 0]}\n{"features": [0, 1, 0]}\n',
    "application/x-ndjson": '{"document": "bike"}\n{"document": "car"}\n',
    "text/plain": "bike\nbike",
}
WEIGHTS = {"text/plain": [[1, 0, 0]]}


def asked(service: Any, content_type: str, content: bytes, **headers: str) -> Any:
    event = {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"content-type": content_type, **headers},
        "requestContext": {"http": {"method": "POST"}, "requestId": "r"},
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
    }
    return service.handle(event)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "mark"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("content_type", TYPES)
def test_line_ends_marks_and_gzip_change_nothing(
    service: Any, content_type: str, newline: str, mark: bytes, packed: bool
) -> None:
    content = mark + TYPES[content_type].replace("\n", newline).encode()

    reply = asked(
        service,
        content_type,
        gzip.compress(content) if packed else content,
        **{"content-encoding": "gzip"} if packed else {},
    )

    assert reply.status == 200, reply.text
    weights = [prediction["topic_weights"] for prediction in reply.json["predictions"]]
    assert weights == WEIGHTS.get(content_type, [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(
    "spoiled",
    [
        lambda text: text.replace("\n", "\xfc\n", 1).encode("latin-1"),
        lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode()),
    ],
    ids=["Latin-1", "UTF-16", "gzip unsaid"],
)
def test_what_is_no_utf8_is_refused_as_such(service: Any, content_type: str, spoiled: Any) -> None:
    reply = asked(service, content_type, spoiled(TYPES[content_type]))

    assert (reply.status, reply.json["code"]) == (400, "not_utf8")


def test_a_nul_byte_in_plain_text_is_refused(service: Any) -> None:
    assert asked(service, "text/plain", "bike".encode("utf-16-le")).json["code"] == "not_utf8"


def test_one_line_that_is_no_utf8_is_its_own_rows_error(service: Any) -> None:
    content = b'{"document": "bike"}\n{"document": "gr\xfcn"}\n'

    reply = asked(service, "application/jsonlines", content)

    assert reply.json["row"] == 2
    assert "of line 2" in reply.json["detail"]
