"""Requests of 6 MB at most that take as much memory as they can: what a child process is given, and what it does.

`python -m tests.unit.topics.large_requests SHAPE` prints the answer's code and the most memory the process had, in MB.
Standard library and botocore alone, as in the function: what tests import is not counted.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

URL_BYTES: Final = 6 * 1024 * 1024
MOST: Final = 32 * 1024 * 1024
EMOJI: Final = "\U0001f600"


def _filled(begin: str, unit: str, end: str, size: int = MOST) -> bytes:
    room = size - len(begin.encode()) - len(end.encode())
    return (begin + unit * (room // len(unit.encode())) + end).encode()


def _unique(begin: str, unit: Callable[[int], str], end: str, size: int) -> bytes:
    stream = io.StringIO()
    stream.write(begin)
    number = 0
    while stream.tell() < size:
        stream.write(unit(number))
        number += 1
    return (stream.getvalue().rstrip(",") + end).encode()


def _record(payload: bytes, part: int = 0) -> bytes:
    return struct.pack("<II", 0xCED7230A, part << 29 | len(payload)) + payload + bytes(-len(payload) % 4)


def _field(tag: int, content: bytes) -> bytes:
    size, encoded = len(content), bytearray()
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([tag]) + bytes([*encoded, size]) + content


def _values(tensor: bytes) -> bytes:
    return _field(0x0A, _field(0x0A, b"values") + _field(0x12, tensor))


def _rows(cell: str, width: int, rows: int) -> bytes:
    return (",".join([cell] * width) + "\n").encode() * rows


WIDTH: Final = 2000
WIDE: Final = 1_000_000
CSV, JSON, LINES, TEXT, RECORDS = (
    "text/csv", "application/json", "application/jsonlines", "text/plain", "application/x-recordio-protobuf",
)  # fmt: skip

SHAPES: Final[dict[str, tuple[str, int, Callable[[], bytes]]]] = {
    "one huge cell": (CSV, 3, lambda: b"1,2," + b"1" * (MOST - 4)),
    "one huge cell of dots": (CSV, 3, lambda: b"1,2," + b"." * (MOST - 4)),
    "commas": (CSV, WIDTH, lambda: b"," * MOST),
    "commas of the vocabulary's width": (CSV, WIDE, lambda: _rows("", WIDE, 32)),
    "rows of one digit": (CSV, WIDTH, lambda: _rows("1", WIDTH, 8000)),
    "rows of decimals": (CSV, WIDTH, lambda: _rows("1.5", WIDTH, 4000)),
    "rows with blanks and CR": (CSV, WIDTH, lambda: _rows(" 1", WIDTH, 5500).replace(b"\n", b"\r\n")),
    "a million distinct counts": (CSV, WIDE, lambda: ",".join(f"{n}.5" for n in range(WIDE)).encode()),
    "astral text": (TEXT, 3, lambda: _filled("", EMOJI, "")),
    "long text and one emoji": (TEXT, 3, lambda: _filled(EMOJI, "a car ", "")),
    "many words": (TEXT, 3, lambda: _filled("", "ab ", "")),
    "many distinct words": (TEXT, 3, lambda: _unique("car ", lambda n: f"w{n:x} ", "", 12 << 20)),
    "marks": (TEXT, 3, lambda: _filled("a", "\u0301", "")),
    "an astral document": (JSON, 3, lambda: _filled('{"documents":["', EMOJI, '"]}')),
    "a document and one emoji": (JSON, 3, lambda: _filled(f'{{"documents":["{EMOJI}', "a car ", '"]}')),
    "16 MB with an emoji": (JSON, 3, lambda: _filled(f'{{"documents":["{EMOJI}', "a car ", '"]}', MOST // 2)),
    "an escaped emoji": (JSON, 3, lambda: _filled('{"documents":["\\ud83d\\ude00', "a car ", '"]}')),
    "escapes": (JSON, 3, lambda: _filled('{"documents":["\\ud83d\\ude00', "\\n", '"]}')),
    "many documents": (JSON, 3, lambda: _filled('{"documents":[', '"' + "a car " * 570 + '",', '"car"]}')),
    "empty arrays": (JSON, 3, lambda: _filled('{"instances":[', "[],", "0]}", 7 << 20)),
    "arrays of one number": (JSON, 3, lambda: _filled('{"instances":[', "[1.5],", "0]}", 14 << 20)),
    "empty objects": (JSON, 3, lambda: _filled('{"instances":[', "{},", "0]}", 4 << 20)),
    "objects of one member": (JSON, 3, lambda: _filled('{"instances":[', '{"a":1},', "0]}", 6 << 20)),
    "an object of many members": (JSON, 3, lambda: _unique('{"instances":{', lambda n: f'"{n:x}":1,', "}}", 13 << 20)),
    "numbers": (JSON, WIDTH, lambda: _filled('{"instances":[{"features":[', "1.5,", "0]}]}", 31 << 20)),
    "strings": (JSON, 3, lambda: _unique('{"instances":[', lambda n: f'"{n:x}",', "]}", 14 << 20)),
    "wide strings": (JSON, 3, lambda: _filled('{"instances":[', f'"{EMOJI}",', "0]}", 10 << 20)),
    "long integers": (JSON, 3, lambda: _filled('{"instances":[', "9" * 4300 + ",", "0]}")),
    "lines of documents": (LINES, 3, lambda: _filled("", '{"document":"' + "a car " * 570 + EMOJI + '"}\n', "")),
    "two long lines": (LINES, 3, lambda: _filled("", '{"document":"', "", 13) + b"a car " * 2_600_000
                       + b'"}\n{"document":"' + EMOJI.encode() + b"a car " * 2_600_000 + b'"}'),
    "parts of a record": (RECORDS, 3, lambda: _record(b"", 1) + _record(b"abcd", 2) * 2_700_000 + _record(b"", 3)),
    "empty tensors": (RECORDS, 3, lambda: _record(_values(b"\x12\x00" * 1_000_000))),
    "small integers": (RECORDS, WIDE, lambda: _record(_values(_field(0x3A, _field(0x0A, b"\1" * WIDE)))) * 33),
}  # fmt: skip


def event_of(shape: str) -> str:
    """Return the request's event as Lambda hands it over: JSON, with the body compressed and in base64."""
    content_type, _, body = SHAPES[shape]
    packed = base64.b64encode(gzip.compress(body()[:MOST], 6, mtime=0)).decode()
    assert len(packed) <= URL_BYTES, f"{shape} takes {len(packed)} bytes"
    return json.dumps(
        {
            "version": "2.0",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {"content-type": content_type, "content-encoding": "gzip"},
            "requestContext": {"http": {"method": "POST"}},
            "isBase64Encoded": True,
            "body": packed,
        }
    )


class _Runtime:
    """Weighs as many documents as a call holds, and keeps none."""

    def invoke_endpoint(self, *, Body: bytes, **_: object) -> dict[str, Any]:
        documents = position = 0
        while position < len(Body):
            position += 8 + (struct.unpack_from("<II", Body, position)[1] + 3 & ~3)
            documents += 1
        answer = '{"predictions":[' + ",".join(['{"topic_weights":[0.5,0.5]}'] * documents) + "]}"
        return {
            "Body": io.BytesIO(answer.encode()),
            "ContentType": "application/json",
            "CustomAttributes": "model=job-1;corpus=c1;vocabulary=v1",
        }


def main() -> None:
    """Answer the event on standard input."""
    sys.path.insert(0, str(Path(__file__).parents[3] / "lambda" / "urls"))
    shape = sys.argv[1]
    os.environ |= {
        "ENDPOINT_NAME": "topics",
        "IN_SERVICE_PARAMETER": "/in-service",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "CORPUS_BUCKET": "corpus",
    }
    from topics_function import handler
    from topics_function.reading.vectorizer import Vocabulary

    record = {
        "model": "job-1",
        "corpus": "c1",
        "vocabulary": "v1",
        "feature_dim": str(SHAPES[shape][1]),
        "algorithm": "open",
        "num_topics": "2",
        "artifact": "s3://models/jobs/job-1/output/model.tar.gz",
        "endpoint_config": "config-1",
    }
    words = ["bicycle", "car", "train"]
    vocabulary = Vocabulary(
        words_of=re.compile(r"[^\W\d_]+").findall,
        forms={word: number for number, word in enumerate(words)},
        stop_forms=["a"],
        words=words,
        vocabulary_hash="v1",
    )
    ssm: Any = _Ssm(record)
    runtime: Any = _Runtime()
    handler._facts._client = lambda: ssm
    handler._inference._scorer._endpoint._client = runtime
    handler._inference._vocabulary_of = lambda _corpus: vocabulary
    answer = handler.handle(json.load(sys.stdin), None)
    body = json.loads(answer["body"])
    print(json.dumps({"code": body.get("code", "scored"), "megabytes": round(peak_bytes() / 1e6)}))


def peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage, which on Linux begins with what the parent had.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class _Ssm:
    def __init__(self, record: dict[str, str]) -> None:
        self._record = record

    def get_parameter(self, **_: object) -> dict[str, Any]:
        return {"Parameter": {"Value": json.dumps(self._record)}}


if __name__ == "__main__":
    main()
