from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.unit.deployment.fakes import custom_resource_event

from deployment_functions.deploy.cloudformation import DeployError, Request, serve


class Listener(HTTPServer):
    """Where CloudFormation would wait for the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[dict[str, str]] = []
        self.refusals_left = 0

    def event(self, kind: str = "Create") -> dict[str, object]:
        return custom_resource_event(kind, {}) | {"ResponseURL": f"http://127.0.0.1:{self.server_port}/answer"}


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refusals_left:
            self.server.refusals_left -= 1
            self.send_response(503)
        else:
            self.server.answers.append(json.loads(body))
            self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_success_is_answered_with_an_identity_that_never_changes(listener: Listener) -> None:
    serve(listener.event("Create"), lambda _: True)
    serve(listener.event("Update"), lambda _: True)

    assert [answer["Status"] for answer in listener.answers] == ["SUCCESS", "SUCCESS"]
    assert {answer["PhysicalResourceId"] for answer in listener.answers} == {"Model"}


def test_what_cannot_be_done_is_answered_with_its_sentence(listener: Listener) -> None:
    def refuse(_: Request) -> bool:
        raise DeployError("bucket b cannot be emptied")

    serve(listener.event(), refuse)

    assert [(answer["Status"], answer["Reason"]) for answer in listener.answers] == [
        ("FAILED", "bucket b cannot be emptied")
    ]


def test_an_unforeseen_fault_is_answered_too_so_that_no_deploy_hangs(listener: Listener) -> None:
    def fail(_: Request) -> bool:
        raise RuntimeError("boom " + "x" * 5000)

    serve(listener.event(), fail)

    [answer] = listener.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("RuntimeError: boom")
    assert len(json.dumps(answer)) < 4096


def test_an_answer_that_is_left_to_somebody_else_is_not_given(listener: Listener) -> None:
    serve(listener.event(), lambda _: False)

    assert listener.answers == []


def test_an_answer_that_is_not_taken_at_once_is_given_again(listener: Listener) -> None:
    listener.refusals_left = 2

    serve(listener.event(), lambda _: True)

    assert len(listener.answers) == 1
