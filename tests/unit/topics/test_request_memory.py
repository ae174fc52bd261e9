"""No request of 6 MB takes more than 512 MB, whatever it becomes once decompressed: each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.topics import large_requests

ROOT: Final = Path(__file__).parents[3]
MOST_MB: Final = 512
QUICK: Final = ("one huge cell", "astral text", "empty arrays", "an object of many members", "marks")
SERVER_SHAPES: Final = {
    "commas": ("text/csv", "b',' * size"),
    "rows of empty cells": ("text/csv", "b',,,,\\n' * (size // 5)"),
    "rows of decimals": ("text/csv", "b'1.5,22,3,4,5\\n' * (size // 13)"),
    "one huge cell": ("text/csv", "b'1,1,1,1,' + b'1' * size"),
    "empty arrays": ("application/json", "b'{\"instances\":[' + b'[],' * (size // 3) + b'0]}'"),
    "objects": ("application/json", "b'{\"instances\":[' + b'{\"a\":1},' * (size // 8) + b'0]}'"),
    "wide strings": ("application/json", "b'{\"instances\":[' + b'\"\\xf0\\x9f\\x98\\x80\",' * (size // 7) + b'0]}'"),
    "numbers": ("application/json", "b'{\"instances\":[{\"features\":[' + b'1.5,' * (size // 4) + b'0]}]}'"),
    "lines": ("application/jsonlines", "b'{\"features\":[1,2,3,4,5]}\\n' * (size // 25)"),
    "empty records": ("application/x-recordio-protobuf", "bytes.fromhex('0a23d7ce00000000') * (size // 8)"),
}


def run(arguments: list[str], event: str | None = None) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, *arguments], input=event, capture_output=True, text=True, cwd=ROOT, check=True, timeout=500
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize(
    "shape", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in large_requests.SHAPES]
)
def test_a_request_to_the_function_takes_at_most_512_mb(shape: str) -> None:
    result = run(["-m", "tests.unit.topics.large_requests", shape], large_requests.event_of(shape))

    assert result["megabytes"] <= MOST_MB, result
    assert result["code"] not in ("internal_error", "vocabulary_unavailable")


@pytest.mark.parametrize("shape", SERVER_SHAPES)
def test_a_request_to_the_model_server_is_read_in_at_most_512_mb(shape: str) -> None:
    content_type, body = SERVER_SHAPES[shape]
    program = f"""
import json
from tests.unit.topics.large_requests import peak_bytes
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving.requests import decode
size = 6_291_456
try:
    decode({body}, {content_type!r}, feature_dim=5)
except CountsError:
    pass
print(json.dumps({{"megabytes": peak_bytes() / 1e6}}))
"""
    assert run(["-c", program])["megabytes"] <= MOST_MB


@pytest.mark.parametrize("unit", ["[],", '{"a":1},', '"\U0001f600",'])
def test_a_document_for_similar_ones_is_read_in_at_most_512_mb(unit: str) -> None:
    program = f"""
import json, sys
sys.path[:0] = ["lambda/urls"]
from similar_function import requests
from tests.unit.topics.large_requests import peak_bytes
from url_functions.problems import Problem
try:
    body = ('{{"document":[' + {unit!r} * 300_000).encode()[: requests.MAX_DOCUMENT_BYTES]
    requests.document_of(body, "application/json")
except Problem:
    pass
print(json.dumps({{"megabytes": peak_bytes() / 1e6}}))
"""
    assert run(["-c", program])["megabytes"] <= MOST_MB
