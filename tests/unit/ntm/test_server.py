"""`python -m training_scripts.serve` over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from training_scripts.ntm import artifact
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.requests import decode

PROJECT = Path(__file__).parents[3]
WORDS, TOPICS = 5, 3
ATTRIBUTES = "model=topics-2026;corpus=c0ffee;vocabulary=beef"


def write_model(root: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {
        "encoder_0_weight": (WORDS, 4),
        "encoder_0_bias": (4,),
        "mu_weight": (4, TOPICS),
        "mu_bias": (TOPICS,),
        "topics": (TOPICS, WORDS),
        "background": (WORDS,),
    }
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    document = {
        "model_version": "topics-2026",
        "corpus_hash": "c0ffee",
        "vocabulary_hash": "beef",
        "num_topics": TOPICS,
        "feature_dim": WORDS,
        "encoder": {"layers": [4], "activation": "sigmoid", "batch_norm": False, "input_weighting": "counts"},
    }
    artifact.write(root / "model", arrays, document, None)


def start(root: Path, *arguments: str, **environment: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "training_scripts.serve", "--root", str(root), "--port", "0", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("serving "), line + process.stdout.read()
    return process, int(line.split(",")[0].rpartition(":")[2])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_model(folder)
    return folder


@pytest.fixture(scope="module")
def port(root: Path) -> Iterator[int]:
    process, number = start(root, "--workers", "2")
    yield number
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    yield opened
    opened.close()


def invoke(
    connection: http.client.HTTPConnection,
    body: bytes,
    content_type: str = "text/csv",
    accept: str = "application/json",
) -> tuple[int, str | None, bytes]:
    connection.request("POST", "/invocations", body, {"Content-Type": content_type, "Accept": accept})
    answer = connection.getresponse()
    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == ATTRIBUTES
    return answer.status, answer.headers["Content-Type"], answer.read()


def test_ping_is_answered_with_nothing(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/ping")
    answer = connection.getresponse()

    assert (answer.status, answer.read()) == (200, b"")


def test_invocations_answer_the_models_topic_weights(connection: http.client.HTTPConnection, root: Path) -> None:
    body = b"1,0,2,0,0\n0,0,0,3,1\n"
    expected = NtmInference(artifact.read(root / "model")).topic_weights(decode(body, "text/csv", feature_dim=WORDS))

    status, content_type, answer = invoke(connection, body)

    assert (status, content_type) == (200, "application/json")
    got = [prediction["topic_weights"] for prediction in json.loads(answer)["predictions"]]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_json_lines_are_answered_a_line_a_document(connection: http.client.HTTPConnection) -> None:
    status, content_type, answer = invoke(connection, b"1,0,2,0,0\n0,0,0,3,1", accept="application/jsonlines")

    assert (status, content_type) == (200, "application/jsonlines")
    assert [list(json.loads(line)) for line in answer.splitlines()] == [["topic_weights"]] * 2


def test_one_connection_serves_many_requests_also_after_a_refused_one(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    used = connection.sock

    statuses = [invoke(connection, body)[0] for body in (b"1,0,2,0,0", b"1,0", b"1,0,2,0,0")]

    assert statuses == [200, 400, 200]
    assert connection.sock is used


class Fault(NamedTuple):
    body: bytes
    status: int
    code: str
    row: int | None = None
    column: int | None = None
    content_type: str = "text/csv"
    accept: str = "*/*"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(b"1,0,2,0,0\n1,0,2", 400, "wrong_width", row=2),
        Fault(b"1,0,x,0,0", 400, "not_a_number", row=1, column=3),
        Fault(b"1,0,-2,0,0", 400, "negative_count", row=1, column=3),
        Fault(b"", 400, "empty_body"),
        Fault(b"{}", 400, "bad_json", content_type="application/json"),
        Fault(b"1", 415, "unsupported_media_type", content_type="image/png"),
        Fault(b"1,0,2,0,0", 406, "not_acceptable", accept="text/html"),
        Fault(b"0" * 6_291_457, 413, "too_large"),
    ],
    ids=lambda fault: fault.code,
)
def test_what_a_caller_did_wrong_is_told_with_a_code_and_its_place(
    connection: http.client.HTTPConnection, fault: Fault
) -> None:
    status, answer_type, answer = invoke(connection, fault.body, fault.content_type, fault.accept)

    error = json.loads(answer)["error"]
    message = error.pop("message")
    assert (status, answer_type) == (fault.status, "application/json")
    assert error == {"code": fault.code, "row": fault.row, "column": fault.column, "corpus": "c0ffee"}
    assert message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/invocations", 405, "method_not_allowed"),
        ("PUT", "/ping", 405, "method_not_allowed"),
    ],
)
def test_other_paths_and_methods_are_refused(
    connection: http.client.HTTPConnection, method: str, path: str, status: int, code: str
) -> None:
    connection.request(method, path)
    answer = connection.getresponse()

    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (status, code)


def test_batch_transform_is_told_how_to_send(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/execution-parameters")
    parameters = json.loads(connection.getresponse().read())

    assert parameters == {"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def raw(port: int, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


HEAD = b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\n"


def test_a_chunked_body_and_pipelined_requests_are_read(port: int) -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n1,0,\r\n5\r\n2,0,0\r\n0\r\n\r\n"
    sized = HEAD + b"Content-Length: 9\r\n\r\n1,0,2,0,0"

    answers = raw(port, chunked, sized)

    assert answers.count(b"HTTP/1.1 200 OK") == 2
    first, second = (part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1")[1:])
    assert first == second


def test_a_client_that_waits_to_be_told_to_go_on_is_told(port: int) -> None:
    answer = raw(port, HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", b"1,0,2,0,0")

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: -5\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n1,2,3", b"400"),
        (HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", b"501"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (HEAD + b" folded: header\r\n\r\n", b"400"),
    ],
    ids=lambda value: value[-30:].decode() if isinstance(value, bytes) else "",
)
def test_a_malformed_request_is_refused_and_the_connection_closed(
    port: int, request_bytes: bytes, status: bytes
) -> None:
    answer = raw(port, request_bytes)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answer


def test_many_callers_at_once_are_all_answered(port: int) -> None:
    def call(number: int) -> bytes:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        status, _, answer = invoke(client, b"%d,0,1,0,0" % (number % 3))
        client.close()
        assert status == 200
        return answer

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, range(60)))

    assert [len(set(answers[rest::3])) for rest in range(3)] == [1, 1, 1]


def test_sigterm_lets_a_request_that_is_arriving_be_answered(root: Path) -> None:
    process, number = start(root, "--workers", "1")
    with socket.create_connection(("127.0.0.1", number), timeout=30) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        # The first bytes of a body have come in when the answer to the wish to go on is there.
        client.sendall(HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100")
        process.send_signal(signal.SIGTERM)
        client.sendall(b"1,0,2,0,0")
        answer = client.recv(65536)

    process.communicate(timeout=30)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert process.returncode == 0


def test_a_worker_that_dies_is_replaced(root: Path) -> None:
    process, number = start(root, "--workers", "1")
    worker = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])

    os.kill(worker, signal.SIGKILL)
    assert process.stdout is not None
    assert "starting another" in process.stdout.readline()
    client = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
    status = invoke(client, b"1,0,2,0,0")[0]
    client.close()

    process.terminate()
    process.communicate(timeout=30)
    assert status == 200


def test_batch_transforms_own_payload_limit_is_honoured(root: Path) -> None:
    process, number = start(root, "--workers", "1", SAGEMAKER_MAX_PAYLOAD_IN_MB="1")
    client = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
    status = invoke(client, b"0" * ((1 << 20) + 1))[0]
    client.close()

    process.terminate()
    process.communicate(timeout=30)
    assert status == 413


def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training_scripts.serve", "--root", str(tmp_path), "--port", "0"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "holds no model.json" in done.stderr


def test_the_server_imports_neither_jax_nor_anything_else_that_is_heavy() -> None:
    program = (
        "import sys, training_scripts.serve;"
        "print(*{name.partition('.')[0] for name in sys.modules}, len(sys.modules), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    *packages, number = done.stdout.split()

    assert not {"jax", "jaxlib", "pandas", "pydantic", "sklearn", "torch", "google"} & set(packages)
    # About 490 with NumPy 2.4 and SciPy 1.17: a leap means that a new dependency has come in.
    assert int(number) < 560
