"""Servers, terminals and disks that mean no good: the client ends in time, with a sentence."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from topics_client import AsyncTopicsClient, SimilarClient, TopicsClient, TopicsError, transport
from topics_client.batching import URL_MAX_BYTES
from topics_client.command import main
from topics_client.errors import MAX_RETRY_AFTER_S
from topics_client.outputs import printable
from topics_client.transport import SignedTransport

ROOT = Path(__file__).parents[4]
MOST_READ = 1 << 20
ENDS_S = 20
"""Far longer than a prompt end takes, and far shorter than what it would be without the bound."""
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b1m\u202egnirts\u2066\r\n\x00\u2028\U000e0001 Fahrräder 自転車"


class Server:
    """A server on this machine that answers each connection as it is told, byte by byte."""

    def __init__(self, answer: Callable[[socket.socket, threading.Event], None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.ends, self.is_asked = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(65_536)
            head, _, body = asked.partition(b"\r\n\r\n")
            length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
            # What is left unread would have the system reset the connection, answer and all.
            while len(body) < length <= MOST_READ:
                body += connection.recv(65_536)
            self.is_asked.set()
            self._answer(connection, self.ends)

    def close(self) -> None:
        self.ends.set()
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket, threading.Event], None]], Server]]:
    servers: list[Server] = []

    def make(answer: Callable[[socket.socket, threading.Event], None]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def whole(body: bytes, *headers: str, status: str = "200 OK") -> Callable[[socket.socket, threading.Event], None]:
    def answer(connection: socket.socket, _ends: threading.Event) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body)

    return answer


def dripping(start: bytes, drop: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def answer(connection: socket.socket, ends: threading.Event) -> None:
        connection.sendall(start)
        while not ends.wait(0.02):
            connection.sendall(drop)

    return answer


def silent(_connection: socket.socket, ends: threading.Event) -> None:
    ends.wait()


def plain(server: Server, **settings: Any) -> TopicsClient:
    return TopicsClient(server.address, signed=False, sleep=lambda _seconds: None, **settings)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", b" "),
    ],
    ids=["header", "interim answers", "length", "chunks", "until it closes"],
)
def test_a_server_that_drips_is_given_up_at_the_deadline_and_not_asked_again(
    serve: Any, start: bytes, drop: bytes
) -> None:
    server = serve(dripping(start, drop))
    sender = SignedTransport(server.address, signed=False, deadline_s=0.3)
    client = plain(server, transport=sender)
    began = time.monotonic()

    with pytest.raises(TopicsError, match=r"answer_too_late: 127.0.0.1:\d+ has not answered as a whole within 0.3 s"):
        client.health()
    with pytest.raises(TopicsError, match="answer_too_late"):
        asyncio.run(AsyncTopicsClient(client).score(["bike"]))

    assert time.monotonic() - began < ENDS_S


def test_a_server_that_reads_nothing_is_given_up_at_the_deadline(serve: Any) -> None:
    server = serve(silent)
    sender = SignedTransport(server.address, signed=False, deadline_s=0.3)

    with pytest.raises(TopicsError, match="answer_too_late"):
        sender.send("POST", "/", {}, b" " * 50_000_000, "application/json")


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",), ("Content-Encoding: X-GZIP",)])
def test_an_answer_larger_than_is_read_is_refused_also_when_it_is_packed(
    serve: Any, headers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1 << 20)
    body = b" " * (1 << 20) + b"{"
    server = serve(whole(gzip.compress(body) if headers else body, *headers))

    with pytest.raises(TopicsError, match="answer_too_large: the answer is larger than the 1 MB"):
        plain(server).topics()


def test_a_small_packed_answer_that_unpacks_to_much_takes_no_memory_for_it(serve: Any) -> None:
    server = serve(whole(gzip.compress(b" " * (256 << 20), 1), "Content-Encoding: gzip"))
    tracemalloc.start()

    with pytest.raises(TopicsError, match="answer_too_large"):
        plain(server).topics()

    assert tracemalloc.get_traced_memory()[1] < 4 * transport.MAX_ANSWER_BYTES
    tracemalloc.stop()


def test_an_endless_answer_is_left_unread(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1 << 20)

    def endless(connection: socket.socket, ends: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not ends.is_set():
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    with pytest.raises(TopicsError, match="answer_too_large"):
        plain(serve(endless)).topics()


def test_a_packed_answer_is_read(serve: Any) -> None:
    body = json.dumps({"feature_dim": 3, "algorithm": "open", "endpoint_called": False}).encode()

    assert plain(serve(whole(gzip.compress(body), "Content-Encoding: gzip"))).health().feature_dim == 3


@pytest.mark.parametrize(
    ("body", "encoding", "sentence"),
    [
        (b"{}", "gzip", "is no gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", "gzip ends too early"),
        (b"{}", "br", "encoded as 'br', which was not asked for"),
    ],
)
def test_an_answer_that_is_packed_otherwise_is_refused(serve: Any, body: bytes, encoding: str, sentence: str) -> None:
    with pytest.raises(TopicsError, match=f"not_an_answer: .*{sentence}"):
        plain(serve(whole(body, f"Content-Encoding: {encoding}")), max_attempts=1).topics()


LATER = format_datetime(datetime.now(UTC) + timedelta(days=400), usegmt=True)
EARLIER = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [
        ("999999", MAX_RETRY_AFTER_S),
        ("9" * 5000, MAX_RETRY_AFTER_S),
        (LATER, MAX_RETRY_AFTER_S),
        (LATER.replace("GMT", "-0000"), MAX_RETRY_AFTER_S),
        ("7", 7),
        (EARLIER, 0.4),
        ("-5", 0.4),
        ("soon", 0.4),
        ("", 0.4),
        ("nan", 0.4),
        ("Wed, 99 Oct 99999999999 07:28:00 GMT", 0.4),
    ],
    ids=[
        "many seconds",
        "more digits than a number may have",
        "a later date",
        "a later date without a zone",
        "seconds",
        "an earlier date",
        "negative",
        "a word",
        "nothing",
        "not a number",
        "a date that is none",
    ],
)
def test_retry_after_is_obeyed_within_a_bound_that_is_told(serve: Any, retry_after: str, waited: float) -> None:
    pauses: list[float] = []
    server = serve(whole(b"", f"Retry-After: {retry_after}", status="503 Busy"))
    client = TopicsClient(
        server.address, signed=False, max_attempts=2, sleep=pauses.append, uniform=lambda _low, high: high
    )

    with pytest.raises(TopicsError, match="lambda_unavailable") as refusal:
        client.health()

    assert pauses == [waited]
    assert ("longer than the 30 s that are waited at most" in str(refusal.value)) is (waited == MAX_RETRY_AFTER_S)


DEEP = b"[" * 200_000
CALLS: dict[str, Callable[[str], object]] = {
    "score": lambda url: TopicsClient(url, signed=False, max_attempts=1).score(["bike"]),
    "topics": lambda url: TopicsClient(url, signed=False, max_attempts=1).topics(),
    "health": lambda url: TopicsClient(url, signed=False, max_attempts=1).health(),
    "async": lambda url: asyncio.run(AsyncTopicsClient(TopicsClient(url, signed=False, max_attempts=1)).topics()),
    "similar": lambda url: SimilarClient(
        url, transport=SignedTransport(url, signed=False), max_attempts=1
    ).similar("a"),
}  # fmt: skip
OTHERS: list[object] = [
    None, 1, "text", [], {}, {"predictions": {"0": 1}}, {"predictions": "a"}, {"predictions": [1]},
    {"predictions": [{"topic_weights": "123"}]}, {"predictions": [{"topic_weights": [True]}]},
    {"predictions": [{"topic_weights": ["1"]}]}, {"predictions": [{"topic_weights": [10**400]}]},
    {"predictions": [{"topic_weights": [float("nan")]}]}, {"predictions": [{"error": "text"}]},
    {"predictions": [{"topics": [{"id": 1, "label": 1, "weight": 1, "words": []}]}]},
    {"predictions": [{"topics": [{"id": 1, "label": "a", "weight": 1, "words": "abc"}]}]},
    {"predictions": [{"topic_weights": [1], "unknown_word_share": "most"}]},
    {"topics": [{"id": 1.5, "label": "a", "share": 1, "words": [], "weights": []}]},
    {"topics": {}}, {"feature_dim": "3", "algorithm": "open", "endpoint_called": True},
    {"feature_dim": float("inf"), "algorithm": "open", "endpoint_called": True},
    {"similar": [{"id": 1, "label": "a", "distance": 0}]}, {"similar": None},
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", ["200 OK", "500 Error"])
def test_json_that_is_nested_too_deep_is_a_sentence(serve: Any, call: str, status: str) -> None:
    with pytest.raises(TopicsError, match=r"not_an_answer: the answer cannot be read|http_500: the URL answered 500"):
        CALLS[call](serve(whole(DEEP, status=status)).address)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("told", OTHERS)
def test_an_answer_of_other_types_is_never_taken_for_one(serve: Any, call: str, told: object) -> None:
    with pytest.raises(TopicsError, match="not_an_answer"):
        CALLS[call](serve(whole(json.dumps(told).encode())).address)


TOPIC = {"id": 1, "label": HOSTILE, "words": [HOSTILE]}
ANSWERS: dict[tuple[str, ...], object] = {
    ("score", "{file}"): {"predictions": [{"topics": [{**TOPIC, "weight": 1}]}]},
    ("list",): {"topics": [{**TOPIC, "share": 0.5, "weights": [1]}]},
    ("similar", "{file}"): {"similar": [{"id": HOSTILE, "label": HOSTILE, "distance": 0}]},
}


def run(serve: Any, answer: object, command: tuple[str, ...], *options: str, tmp_path: Path, status: str) -> int:
    (tmp_path / "a.txt").write_text("bike")
    server = serve(whole(json.dumps(answer).encode(), status=status))
    arguments = [part.replace("{file}", str(tmp_path / "a.txt")) for part in command]
    return main(["--url", server.address, "--region", "eu-west-1", *options, *arguments])


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("command", ANSWERS)
def test_what_a_terminal_would_obey_is_shown_escaped_to_people(
    serve: Any, command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(serve, ANSWERS[command], command, tmp_path=tmp_path, status="200 OK") == 0

    [line] = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert r"\x1b]0;title\x07" in line


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("command", ANSWERS)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_formats_for_programs_carry_the_label_as_it_is(
    serve: Any, command: tuple[str, ...], form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(serve, ANSWERS[command], command, "--format", form, tmp_path=tmp_path, status="200 OK") == 0

    out = capsys.readouterr().out
    if form == "csv":
        _header, row = csv.reader(io.StringIO(out, newline=""))
        assert HOSTILE in row
    else:
        assert out.removesuffix("\n").isprintable()
        told = json.loads(out)
        assert HOSTILE in (told.get("label"), *(topic["label"] for topic in told.get("topics", [])))


@pytest.mark.usefixtures("_credentials")
def test_a_refusal_is_one_line_whatever_it_holds(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"code": HOSTILE, "detail": HOSTILE, "allowed": HOSTILE, "retry": False}

    assert run(serve, refusal, ("list",), tmp_path=tmp_path, status="400 Bad") == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable()


def test_ordinary_writing_is_shown_as_it_is() -> None:
    text = "Fahrräder, 自転車, हिन्दी, "
    assert printable(text) == text


def shell(command: str, address: str) -> subprocess.CompletedProcess[str]:
    line = f"{sys.executable} -m topics_client --unsigned --url {address} {command}"
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, input="bike\n" * 5, timeout=60, check=False
    )


LISTED = json.dumps({"topics": [{"id": 1, "label": "a", "share": 0.5, "words": ["b"] * 9, "weights": [1]}] * 5000})


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("list > /dev/full", "the output cannot be written: No space left on device"),
        ("health > /dev/full", "the answer cannot be read: KeyError"),
        ("--format csv list > /dev/full", "the output cannot be written: No space left on device"),
        ("list | true; exit ${PIPESTATUS[0]}", "the output cannot be written: Broken pipe"),
        ("list >&-", "standard output is closed, so there is nowhere to write to"),
        ("score <&-", "standard input is closed: name a file"),
    ],
)
def test_output_that_cannot_be_written_is_one_sentence_and_exit_code_2(serve: Any, command: str, sentence: str) -> None:
    done = shell(command, serve(whole(LISTED.encode())).address)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("topics: ")
    assert done.stderr.rstrip("\n").endswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_without_standard_error_the_exit_code_alone_tells(serve: Any) -> None:
    done = shell("health 2>&-", serve(whole(b"[]")).address)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_cell_that_is_too_long_for_the_url_is_its_own_rows_error(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(f"text\n{'a' * (URL_MAX_BYTES + 1)}\n")

    assert main(["--unsigned", "--url", serve(silent).address, "score", str(tmp_path / "a.csv")]) == 1
    assert "lambda_payload_too_large" in capsys.readouterr().out


ASYNC = """
import asyncio, sys
from topics_client import AsyncTopicsClient, TopicsClient
client = AsyncTopicsClient(TopicsClient(sys.argv[1], signed=False), max_documents=1)
asyncio.run(client.score(["bike"] * 8))
"""
COMMANDS = {
    "score": ["-m", "topics_client", "--unsigned", "--url", "{url}", "score"],
    "list": ["-m", "topics_client", "--unsigned", "--url", "{url}", "list"],
    "async": ["-c", ASYNC, "{url}"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_the_command_while_requests_are_under_way(serve: Any, command: str) -> None:
    server = serve(silent)
    arguments = [part.replace("{url}", server.address) for part in COMMANDS[command]]
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if process.stdin is not None:
        process.stdin.write(b"bike\n" * 3000)
        process.stdin.close()
        process.stdin = None
    assert server.is_asked.wait(60)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=ENDS_S)

    if command == "async":
        assert process.returncode in {130, -signal.SIGINT}
    else:
        assert (process.returncode, out, err) == (130, b"", b"topics: interrupted\n")


def test_a_stream_that_is_left_early_waits_for_nothing(serve: Any) -> None:
    def first_alone(connection: socket.socket, ends: threading.Event) -> None:
        with lock:
            asked.append(1)
            is_first = len(asked) == 1
        if not is_first:
            ends.wait()
        whole(json.dumps({"predictions": [{"topic_weights": [1]}]}).encode())(connection, ends)

    lock, asked = threading.Lock(), list[int]()
    stream = plain(serve(first_alone), max_documents=1, parallel=1).stream(["bike"] * 5)

    assert next(stream).weights == (1,)
    stream.close()


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, "eu-west-3"),
    ],
)
@pytest.mark.usefixtures("_credentials")
def test_the_region_is_that_of_aws_region_then_aws_default_region_then_the_profile(
    serve: Any, environment: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-3\n")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), **environment}.items():
        monkeypatch.setenv(name, value)
    signed: list[bytes] = []

    def note(connection: socket.socket, _ends: threading.Event) -> None:
        connection.close()

    class Noting(Server):
        def _one(self, connection: socket.socket) -> None:
            signed.append(connection.recv(65_536))
            note(connection, self.ends)

    server = Noting(note)
    with pytest.raises(TopicsError, match="no_connection"):
        TopicsClient(server.address, max_attempts=1).health()
    server.close()

    assert f"/{region}/lambda/aws4_request".encode() in signed[0]


def test_a_profile_that_is_not_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert main(["--url", "http://topics.example.com/", "health"]) == 2
    assert "no_credentials: the AWS configuration cannot be read: " in capsys.readouterr().err
