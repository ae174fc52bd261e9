"""`python -m training_scripts.serve` over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from training_scripts.ntm import artifact
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.serving.messages import Request
from training_scripts.ntm.serving.requests import decode
from training_scripts.ntm.serving.service import Service

PROJECT = Path(__file__).parents[3]
WORDS, TOPICS = 5, 3
ENCODER = {"layers": [4], "activation": "sigmoid", "batch_norm": False, "input_weighting": "counts"}
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
        "encoder": ENCODER,
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


HEAD = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"


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
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
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


def children(process: subprocess.Popen[str]) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("delay", [0, 0.001, 0.01, 0.1])
def test_sigterm_at_once_after_the_start_ends_it(root: Path, delay: float) -> None:
    process, _ = start(root, "--workers", "4")
    time.sleep(delay)
    process.terminate()
    output, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "Traceback" not in output


@pytest.mark.parametrize("delay", [0.02, 0.2, 0.6])
def test_sigterm_before_it_serves_ends_it_too(root: Path, delay: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "training_scripts.serve", "--root", str(root), "--port", "0", "--workers", "4"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(delay)
    process.terminate()
    output, _ = process.communicate(timeout=30)

    assert process.returncode in {0, -signal.SIGTERM}
    assert "Traceback" not in output


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
def test_no_worker_outlives_a_master_that_is_killed(root: Path) -> None:
    process, _ = start(root, "--workers", "3")
    workers = children(process)
    process.kill()
    process.communicate(timeout=30)

    deadline = time.monotonic() + 20
    while not all(map(has_ended, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(workers) == 3
    assert all(map(has_ended, workers))


def test_at_the_limit_of_descriptors_a_request_is_answered_and_the_log_stays_short(root: Path) -> None:
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60));"
        "sys.argv[:] = ['serve', *sys.argv[1:]]; runpy.run_module('training_scripts.serve', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", limited, "--root", str(root), "--port", "0", "--workers", "1"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    number = int(process.stdout.readline().split(",")[0].rpartition(":")[2])
    unused = [socket.create_connection(("127.0.0.1", number), timeout=30) for _ in range(120)]
    client = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
    client.request("GET", "/ping")
    status = client.getresponse().status
    client.close()
    for opened in unused:
        opened.close()
    process.terminate()
    output, _ = process.communicate(timeout=30)

    assert status == 200
    assert "unused ones are closed" in output
    assert output.count("\n") <= 3


class Wrong(NamedTuple):
    sentence: str
    arrays: dict[str, object] = {}  # noqa: RUF012 (of a named tuple)
    document: dict[str, object] = {}  # noqa: RUF012
    words: list[str] | None = None


WRONG = {
    "NaN": Wrong("'mu_bias' .* no finite", {"mu_bias": np.full(TOPICS, np.nan, np.float32)}),
    "infinity": Wrong("'topics' .* no finite", {"topics": np.full((TOPICS, WORDS), np.inf, np.float32)}),
    "integers": Wrong("'mu_bias' .* no finite real", {"mu_bias": np.zeros(TOPICS, np.int64)}),
    "pickle": Wrong("holds object", {"mu_bias": np.array([{}])}),
    "overflow": Wrong("too large", {"mu_weight": np.full((4, TOPICS), 3e38, np.float32)}),
    "shape": Wrong(r"'mu_weight' .* \(4, 2\)", {"mu_weight": np.zeros((4, 2), np.float32)}),
    "missing array": Wrong("'encoder_1_weight' .* missing", document={"encoder": {**ENCODER, "layers": [4, 4]}}),
    "another width": Wrong("asks for", document={"feature_dim": WORDS + 1}),
    "no encoder": Wrong("describes no encoder", document={"encoder": None}),
    "dulled weights": Wrong("weight_exponent of '0.5'", document={"weight_exponent": 0.5}),
    "exponent of text": Wrong("weight_exponent of '1.25'", document={"weight_exponent": "1.25"}),
    "unknown activation": Wrong("activation 'swish'", document={"encoder": {**ENCODER, "activation": "swish"}}),
    "width that is no number": Wrong("feature_dim of 'many'", document={"feature_dim": "many"}),
    "vocabulary": Wrong("has 4 words, where model.json says 5", words=["a", "b", "c", "d"]),
    "other words": Wrong("is not the vocabulary", words=["a", "b", "c", "d", "e"]),
    "header in the version": Wrong("model_version of", document={"model_version": "a\r\nX-Evil: 1"}),
    "field in the corpus": Wrong("corpus_hash of", document={"corpus_hash": "a;vocabulary=b"}),
    "surrogate": Wrong("vocabulary_hash of", document={"vocabulary_hash": "\ud800"}),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_model_that_cannot_be_right_is_not_served(tmp_path: Path, fault: str) -> None:
    wrong = WRONG[fault]
    write_model(tmp_path)
    model = tmp_path / "model"
    document = json.loads((model / "model.json").read_text()) | wrong.document
    with np.load(model / "params.npz") as archive:
        arrays = {name: archive[name] for name in archive.files} | wrong.arrays
    np.savez(model / "params.npz", **arrays)
    (model / "model.json").write_text(json.dumps(document))
    if wrong.words is not None:
        (model / "vocab.txt").write_bytes(artifact.vocabulary_bytes(wrong.words))

    with pytest.raises(artifact.ArtifactError, match=wrong.sentence) as refused:
        Service(artifact.read(model), workers=1, max_body_bytes=1)
    assert "\n" not in str(refused.value)


def test_a_model_that_cannot_be_right_ends_the_server_with_a_sentence(tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / "model" / "params.npz").write_bytes(b"PK")
    done = subprocess.run(
        [sys.executable, "-m", "training_scripts.serve", "--root", str(tmp_path), "--port", "0"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("serve: the model in ")
    assert done.stderr.count("\n") == 1


def test_weights_are_served_by_the_models_exponent_and_raw_on_request(root: Path) -> None:
    model = artifact.read(root / "model")
    sharper = model._replace(document={**model.document, "weight_exponent": 2})

    def answered(of: artifact.Artifact, accept: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        headers = {"content-type": "text/csv", "accept": accept}
        answer = Service(of, workers=1, max_body_bytes=1).answer(Request("POST", "/invocations", headers, b"1,0,2,0,0"))
        assert answer.headers["Content-Type"] == "application/json"
        return np.array(json.loads(answer.body)["predictions"][0]["topic_weights"])

    # A model of before has no exponent, and its weights are as they were.
    raw = answered(model, "application/json")
    np.testing.assert_allclose(answered(sharper, "application/json"), raw**2 / (raw**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(answered(sharper, "application/json;weights=raw"), raw, rtol=1e-6)


def test_what_is_no_number_is_never_answered_as_topic_weights(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = artifact.read(root / "model")
    service = Service(model, workers=1, max_body_bytes=1)
    model.arrays["mu_bias"][0] = np.nan

    answer = service.answer(Request("POST", "/invocations", {"content-type": "text/csv"}, b"1,0,2,0,0"))

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, "not_finite")
    assert "no numbers" in capsys.readouterr().err
