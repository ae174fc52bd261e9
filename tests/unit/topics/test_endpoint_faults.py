"""What goes wrong on the wire between the function and its endpoint, with botocore's own client on the one side."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from topics_function.model.endpoint import MAX_ATTEMPTS, Endpoint, ModelRefusalError
from topics_function.reading import records
from url_functions.deadline import Deadline
from url_functions.problems import Code, Problem

ROW = records.of_counts([0], [1], 3)
GOOD = json.dumps({"predictions": [{"topic_weights": [0.75, 0.25]}]}).encode()
READ_TIMEOUT_S = 1.0

Fault = Callable[[socket.socket], None]


def answer(status: int, body: bytes, *, length: int | None = None, **headers: str) -> Fault:
    """Send an answer; a wrong `length` cuts it short."""
    # It closes after each: a client that is not told may send its next request into the closing connection.
    lines = [f"HTTP/1.1 {status} told", "connection: close"]
    lines.append(f"content-length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return lambda connection: connection.sendall(head + body)


def refusal(code: str, status: int, **members: Any) -> Fault:
    """Send an error as the SageMaker runtime does."""
    body = json.dumps({"Message": "told", **members}).encode()
    return answer(status, body, x_amzn_ErrorType=code, content_type="application/json")


def reset(connection: socket.socket) -> None:
    """End as a process that is killed: the connection is reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket) -> None:
    """Answer nothing until the caller has gone."""
    connection.recv(1)


def slow_in_the_middle(connection: socket.socket) -> None:
    """Begin an answer and never end it."""
    answer(200, GOOD[:10], length=len(GOOD), content_type="application/json")(connection)
    connection.recv(1)


good = answer(200, GOOD, content_type="application/json", x_amzn_sagemaker_custom_attributes="model=m;corpus=c")


class Container:
    """Takes one request a connection, and answers it by the script; then all is well."""

    def __init__(self) -> None:
        self.script: list[Fault] = []
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._read(connection)
                self.requests += 1
                (self.script.pop(0) if self.script else good)(connection)

    def _read(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)

    def close(self) -> None:
        # A close alone would not wake the thread that accepts, and the port would stay open.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def container() -> Iterator[Container]:
    container = Container()
    yield container
    with contextlib.suppress(OSError):
        container.close()


@pytest.fixture
def endpoint(container: Container) -> Endpoint:
    client = botocore.session.get_session().create_client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{container.port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=READ_TIMEOUT_S, connect_timeout=1, retries={"total_max_attempts": 1}),
    )
    return Endpoint(client, "topics", read_timeout_s=READ_TIMEOUT_S, sleep=lambda _seconds: None)


def invoke(endpoint: Endpoint) -> list[list[float]]:
    return endpoint.invoke(ROW, rows=1, deadline=Deadline(30)).predictions.weights


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(reset, id="the process is killed before it answers"),
        pytest.param(lambda _connection: None, id="the connection is closed before an answer"),
        pytest.param(answer(200, GOOD[:20], length=len(GOOD), content_type="application/json"), id="cut short"),
        pytest.param(answer(200, GOOD[:-1], content_type="application/json"), id="cut short before it was counted"),
        pytest.param(answer(200, b"", content_type="application/json"), id="empty"),
        pytest.param(answer(200, GOOD, content_type="text/html"), id="of another type"),
        pytest.param(refusal("ThrottlingException", 400), id="throttled"),
        pytest.param(refusal("ModelNotReadyException", 429), id="starting"),
        pytest.param(refusal("ServiceUnavailable", 503), id="unavailable"),
        pytest.param(refusal("InternalDependencyException", 530), id="a dependency fails"),
        pytest.param(refusal("ModelError", 424, OriginalStatusCode=500, OriginalMessage="killed"), id="a worker dies"),
        pytest.param(refusal("ModelError", 424, OriginalStatusCode=0, OriginalMessage="closed"), id="a container dies"),
        pytest.param(
            answer(502, b"<html>Bad gateway</html>", content_type="text/html"), id="a gateway without AWS's form"
        ),
    ],
)
def test_a_fault_that_passes_is_not_noticed(endpoint: Endpoint, container: Container, fault: Fault) -> None:
    container.script = [fault]

    assert invoke(endpoint) == [[0.75, 0.25]]
    assert container.requests == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (reset, Code.ENDPOINT_UNAVAILABLE),
        (answer(200, GOOD[:20], length=len(GOOD), content_type="application/json"), Code.ENDPOINT_UNAVAILABLE),
        (answer(200, GOOD[:-1], content_type="application/json"), Code.MODEL_FAILED),
        (refusal("ThrottlingException", 400), Code.THROTTLED),
        (refusal("ModelNotReadyException", 429), Code.ENDPOINT_STARTING),
        (refusal("ModelError", 424, OriginalStatusCode=503, OriginalMessage=""), Code.MODEL_FAILED),
    ],
)
def test_a_fault_that_stays_is_told_as_one_to_try_again_later(
    endpoint: Endpoint, container: Container, fault: Fault, code: Code
) -> None:
    container.script = [fault] * 9

    with pytest.raises(Problem) as told:
        invoke(endpoint)

    assert (told.value.code, container.requests) == (code, MAX_ATTEMPTS)
    assert told.value.retry_after_s


@pytest.mark.parametrize(
    "fault",
    [
        silent,
        slow_in_the_middle,
        refusal("ModelError", 424, OriginalStatusCode=0, OriginalMessage="Your invocation timed out while waiting"),
    ],
)
def test_an_endpoint_that_takes_too_long_is_not_asked_again(
    endpoint: Endpoint, container: Container, fault: Fault
) -> None:
    container.script = [fault] * 9
    began = time.monotonic()

    with pytest.raises(Problem) as told:
        invoke(endpoint)

    assert (told.value.code, container.requests) == (Code.ENDPOINT_TIMEOUT, 1)
    assert time.monotonic() - began < 20 * READ_TIMEOUT_S


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ExpiredTokenException", Code.CREDENTIALS_REFUSED),
        ("AccessDeniedException", Code.SERVICE_MISCONFIGURED),
        ("ValidationError", Code.ENDPOINT_MISSING),
    ],
)
def test_an_expired_role_a_missing_right_and_a_missing_endpoint_are_told_at_once(
    endpoint: Endpoint, container: Container, error: str, code: Code
) -> None:
    container.script = [refusal(error, 403)]

    with pytest.raises(Problem) as told:
        invoke(endpoint)

    assert (told.value.code, container.requests) == (code, 1)


def test_the_servers_refusal_comes_with_its_row_and_corpus(endpoint: Endpoint, container: Container) -> None:
    told_by_server = {"error": {"code": "wrong_width", "message": "told", "row": 1, "column": None, "corpus": "c2"}}
    message = json.dumps(told_by_server)
    container.script = [refusal("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

    with pytest.raises(ModelRefusalError) as told:
        invoke(endpoint)

    assert (told.value.server_code, told.value.row, told.value.corpus) == ("wrong_width", 1, "c2")


def test_nobody_listening_is_told_as_unavailable(endpoint: Endpoint, container: Container) -> None:
    container.close()

    with pytest.raises(Problem) as told:
        invoke(endpoint)

    assert told.value.code == Code.ENDPOINT_UNAVAILABLE
