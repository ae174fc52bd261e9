"""Random events: each gets an answer, never a 500, and nothing of what was sent reaches a log."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import random
import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

MARK = "zqxsecret"
"""Part of every document sent, and of nothing else."""

UNIT_EVENTS = 6_000
SLOW_EVENTS = 100_000
SLOW_AFTER_S = 5
"""An event is answered in a fifth of a millisecond. What never is ends by the test's own timeout."""

CONTENT_TYPES = [
    "text/csv", "application/json", "application/jsonlines", "application/x-ndjson", "text/plain",
    "application/x-recordio-protobuf", "text/csv; charset=utf-16", "application/xml", "", "text/csv;;;=", None,
]  # fmt: skip
ACCEPTS = [None, "*/*", "text/csv", "application/jsonlines", "application/json;q=0", "image/png", ";;", "text/html"]
PATHS = ["/", "/", "/", "/", "/invocations", "/topics", "/health", "/openapi.json", "/" + MARK, "//", ""]
READING_PATHS = PATHS[5:9]
QUERIES = ["", "", "", "top=2", "top=x", "errors=per_row", "empty=mean", "errors=per_row&empty=mean&top=1",
           "corpus_version=c1", "corpus_version=" + MARK, "%00=%ff", "endpoint=true", "top=1&top=2"]  # fmt: skip


class Fuzz:
    """Draws events; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def event(self) -> object:
        draw = self.random
        if draw.random() < 0.02:
            return draw.choice([None, 1, [], {}, "event", {"requestContext": 5, "rawPath": "/"}, {"rawPath": MARK}])
        path = draw.choice(PATHS)
        method = "GET" if path in READING_PATHS else "POST"
        content_type, body = self.content()
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": draw.choice(QUERIES) if draw.random() < 0.3 else "",
            "headers": self.headers(content_type),
            "requestContext": {"http": {"method": self.mostly(method, ["GET", "HEAD", "PUT", MARK])}},
            "isBase64Encoded": False,
        }
        if event["headers"].get("content-encoding") == "gzip" and draw.random() < 0.9:
            body = gzip.compress(body, 1, mtime=0)
        if draw.random() < 0.1:
            body = body[: draw.randrange(len(body) + 1)]
        if draw.random() < 0.5:
            event |= {"isBase64Encoded": draw.random() < 0.98, "body": base64.b64encode(body).decode()}
        else:
            event["body"] = body.decode("utf-8", draw.choice(["replace", "surrogateescape"]))
        if draw.random() < 0.05:
            event.pop(draw.choice(list(event)))
        return event

    def mostly(self, usual: Any, others: list[Any]) -> Any:
        return self.random.choice(others) if self.random.random() < 0.1 else usual

    def headers(self, content_type: str) -> dict[str, Any]:
        draw = self.random
        accept = self.mostly(draw.choice(ACCEPTS[:4]), ACCEPTS)
        headers = {"content-type": self.mostly(content_type, CONTENT_TYPES), "accept": accept}
        if draw.random() < 0.2:
            headers["content-encoding"] = draw.choice(["gzip", "identity", "br", "x-gzip"])
        return {name: value for name, value in headers.items() if value is not None}

    def content(self) -> tuple[str, bytes]:
        kinds: list[tuple[str, Callable[[], bytes]]] = [
            ("text/csv", self.csv),
            ("application/json", self.json),
            ("application/jsonlines", self.json_lines),
            ("text/plain", self.text),
            ("application/x-recordio-protobuf", self.records),
            ("application/x-ndjson", self.noise),
        ]
        content_type, draw = self.random.choice(kinds)
        return content_type, draw()

    def number(self) -> str:
        return self.random.choice(
            ["3.5", "-1", "nan", "1e999", "", " 7 ", "1_0", MARK, "9" * 30, "true", "null", '"1"', "[]"]
            if self.random.random() < 0.05
            else ["0", "1", "2", "7"]
        )

    def csv(self) -> bytes:
        width = self.random.choice([3, 3, 3, 3, 2, 4, 0])
        newline = self.random.choice(["\n", "\r\n", "\r"])
        return newline.join(
            ",".join(self.number() for _ in range(width)) for _ in range(self.random.randrange(5))
        ).encode()

    def instance(self) -> str:
        values = ",".join(self.number() for _ in range(self.random.choice([3, 3, 3, 2])))
        sparse = f'"keys":[{self.number()},{self.number()}],"values":[{self.number()},{self.number()}],"shape":[3]'
        return self.random.choice(
            [
                f'{{"features":[{values}]}}',
                f'{{"data":{{"features":{{"values":[{values}]}}}}}}',
                f'{{"data":{{"features":{{{sparse}}}}}}}',
                json.dumps({"document": self.words()}),
                json.dumps({MARK: self.words()}),
            ]
        )

    def words(self) -> str:
        known = ["bike", "car", "train", MARK, "é", "\u0000", "\U0001f6b2", "{", '"', "\n"]
        return " ".join(self.random.choices(known, k=self.random.randrange(6)))

    def json(self) -> bytes:
        instances = ",".join(self.instance() for _ in range(self.random.randrange(4)))
        documents = json.dumps([self.words() for _ in range(self.random.randrange(4))])
        return self.random.choice(
            [
                f'{{"instances":[{instances}]}}',
                f'{{"documents":{documents}}}',
                f'{{"documents":{documents},"corpus_version":"{MARK}"}}',
                f"[{instances}]",
                '{"documents":[1,null]}',
                "[" * 5000,
                '"' + MARK,
            ]
        ).encode()

    def json_lines(self) -> bytes:
        return "\n".join(self.instance() for _ in range(self.random.randrange(5))).encode()

    def text(self) -> bytes:
        return self.words().encode()

    def records(self) -> bytes:
        body = bytearray()
        for _ in range(self.random.randrange(4)):
            tensor = struct.pack("<3f", *(self.random.choice([0, 1, 2, 2.5]) for _ in range(3)))
            tensor = b"\x0a" + bytes([len(tensor)]) + tensor
            value = b"\x12" + bytes([len(tensor)]) + tensor
            feature = b"\x0a\x06values\x12" + bytes([len(value)]) + value
            payload = b"\x0a" + bytes([len(feature)]) + feature
            body += struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)
        if body and self.random.random() < 0.3:
            body[self.random.randrange(len(body))] = self.random.randrange(256)
        return bytes(body)

    def noise(self) -> bytes:
        return MARK.encode() + self.random.randbytes(self.random.randrange(40))


def checked(service: Any, event: object) -> int:
    began = time.monotonic()
    reply = service.handle(event)
    assert time.monotonic() - began < SLOW_AFTER_S, event
    assert reply.status != 500, event
    if reply.status >= 400 and reply.text:
        assert reply.json["status"] == reply.status
        assert reply.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in reply.headers) == (reply.status in (429, 503, 504)), event
    return int(reply.status)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("topics_function"), "propagate", True)
    caplog.set_level(logging.DEBUG, "topics_function")
    return caplog


def assert_nothing_leaked(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    logged = [json.dumps(vars(record), default=str) for record in caplog.records] + service.lines
    assert not [line for line in logged if MARK in line]


@pytest.mark.timeout(120)
def test_random_events_are_answered_and_nothing_of_them_is_logged(
    service: Any, quiet: pytest.LogCaptureFixture
) -> None:
    fuzz = Fuzz(20_261_123)
    statuses: dict[int, int] = {}
    for _ in range(UNIT_EVENTS):
        status = checked(service, fuzz.event())
        statuses[status] = statuses.get(status, 0) + 1

    assert_nothing_leaked(service, quiet)
    # Otherwise the events would be so broken that little of the code was met.
    assert {200, 400, 404, 405, 406, 409, 415, 422} <= statuses.keys()
    assert statuses[200] > sum(statuses.values()) / 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_random_events_are_answered_in_memory_that_stays_flat(
    service: Any, quiet: pytest.LogCaptureFixture
) -> None:
    fuzz = Fuzz(1)
    for _ in range(5000):
        checked(service, fuzz.event())
    tracemalloc.start()
    checkpoint = 0
    for number in range(SLOW_EVENTS):
        checked(service, fuzz.event())
        if number % 5000 == 4999:
            assert_nothing_leaked(service, quiet)
            # The test's own books.
            for book in (service.lines, service.runtime.calls, quiet.records):
                book.clear()
            quiet.clear()
            held, _ = tracemalloc.get_traced_memory()
            checkpoint = checkpoint or held
            assert held < checkpoint + 2_000_000
    tracemalloc.stop()
