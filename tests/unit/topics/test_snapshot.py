from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from topics_function import snapshot


class FakeHooks:
    """The runtime's hooks, run by hand."""

    def __init__(self) -> None:
        self.before: list[Callable[[], None]] = []
        self.after: list[Callable[[], None]] = []

    def register_before_snapshot(self, function: Callable[[], None]) -> None:
        self.before.append(function)

    def register_after_restore(self, function: Callable[[], None]) -> None:
        self.after.append(function)


class FakeClient:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def hooks(done: list[str], client: FakeClient) -> FakeHooks:
    hooks = FakeHooks()
    snapshot.register(
        hooks,
        clients=lambda: [client],
        forget=lambda: done.append("forgotten"),
        prepare=lambda: done.append("prepared"),
    )
    return hooks


def test_what_requests_need_later_is_made_before_the_snapshot(hooks: FakeHooks, done: list[str]) -> None:
    hooks.before[0]()

    assert done == ["prepared"]


def test_copies_of_a_snapshot_do_not_share_their_random_numbers(hooks: FakeHooks) -> None:
    state = random.getstate()
    drawn = set()
    for _ in range(5):
        random.setstate(state)
        hooks.after[0]()
        drawn.add(random.random())

    assert len(drawn) == 5


def test_a_copy_drops_sockets_and_forgets_the_record(hooks: FakeHooks, done: list[str], client: FakeClient) -> None:
    hooks.after[0]()

    assert (done, client.closed) == (["forgotten"], 1)


def test_without_the_runtimes_hooks_nothing_is_registered(done: list[str]) -> None:
    snapshot.register(None, clients=list, forget=lambda: done.append("x"), prepare=lambda: done.append("x"))

    assert snapshot.runtime_hooks() is None
    assert done == []


def test_every_module_that_is_loaded_later_is_put_into_the_snapshot() -> None:
    package = Path(snapshot.__file__).parent
    later = {".".join(path.relative_to(package).with_suffix("").parts) for path in package.rglob("*.py")}
    handler = (package / "handler.py").read_text()
    # What the handler loads is found in the isolated run; here: nothing named does not exist.
    assert set(snapshot.LATER_MODULES) <= later
    assert "snapshot.register(" in handler


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"predictions": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


def test_a_client_whose_sockets_were_dropped_connects_again(caplog: pytest.LogCaptureFixture) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = botocore.session.get_session().create_client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def call() -> bytes:
        answer = client.invoke_endpoint(EndpointName="topics", Body=b"1", ContentType="text/csv")
        return bytes(answer["Body"].read())

    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        call()
        call()
        opened = [record for record in caplog.records if "Starting new HTTP" in record.message]
        client.close()
        assert call() == b'{"predictions": []}'
        reopened = [record for record in caplog.records if "Starting new HTTP" in record.message]
    server.shutdown()
    server.server_close()

    assert (len(opened), len(reopened)) == (1, 2)
