"""What the model server takes for a request: never more than h11 does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_scripts.ntm.serving import http_server
from training_scripts.ntm.serving.http_server import HttpServer
from training_scripts.ntm.serving.messages import Request, Response

BODY_MAX = 1000


class Asked:
    """An application that remembers what it was shown."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(200, b"ok")


def refusal(status: int, code: str, _message: str) -> Response:
    return Response(status, code.encode())


async def exchange(pieces: list[bytes]) -> tuple[list[Request], bytes]:
    """Send pieces to a fresh server, shut the sending half down, and return what it understood and answered."""
    asked = Asked()
    server = HttpServer(asked.answer, refusal=refusal, max_body_bytes=BODY_MAX)
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    await loop.connect_accepted_socket(lambda: http_server._Connection(server), theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        writer.write_eof()
        received = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        received = b""
    writer.close()
    return asked.requests, received


def served(*pieces: bytes) -> tuple[list[Request], bytes]:
    return asyncio.run(exchange(list(pieces)))


def h11_verdict(content: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Method, target and body of each request that h11 reads, up to the first that it refuses."""
    requests: list[tuple[bytes, bytes, bytes]] = []
    while content:
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=http_server.HEADER_BYTES_MAX)
        reader.receive_data(content)
        head, body = None, b""
        try:
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    return requests
                if isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
        except h11.RemoteProtocolError:
            return requests
        assert head is not None
        requests.append((head.method, head.target, body))
        if reader.their_state is not h11.DONE:
            return requests
        content = reader.trailing_data[0]
    return requests


HOST = b"Host: x\r\n"
POST = b"POST /invocations HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

REFUSED = {
    "chunk size 0x5": (CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size +5": (CHUNKED + b"\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size -5": (CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size 5_0": (CHUNKED + b"\r\n0_5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size with a blank": (CHUNKED + b"\r\n 5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size of 30 digits": (CHUNKED + b"\r\n" + b"0" * 29 + b"5\r\nhello\r\n0\r\n\r\n", 400),
    "no chunk size": (CHUNKED + b"\r\n\r\nhello\r\n0\r\n\r\n", 400),
    "chunk end": (CHUNKED + b"\r\n5\r\nhelloXX0\r\n\r\n", 400),
    "chunk end by a line feed": (CHUNKED + b"\r\n5\r\nhello\n0\r\n\r\n", 400),
    "chunk size line by a line feed": (CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n", 400),
    "huge chunk": (CHUNKED + b"\r\nffffffff\r\n" + b"a" * 2000, 413),
    "second, empty Transfer-Encoding": (CHUNKED + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", 501),
    "first, empty Transfer-Encoding": (
        POST + b"Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "gzip, then chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "gzip, then chunked, in two": (POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "chunked, quoted": (POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', 501),
    "chunked with a vertical tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "Transfer-Encoding in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "Transfer-Encoding and Content-Length": (CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "Content-Length +5": (POST + b"Content-Length: +5\r\n\r\nhello", 400),
    "Content-Length -5": (POST + b"Content-Length: -5\r\n\r\nhello", 400),
    "Content-Length 0x5": (POST + b"Content-Length: 0x5\r\n\r\nhello", 400),
    "Content-Length 5_0": (POST + b"Content-Length: 5_0\r\n\r\nhello", 400),
    "no Content-Length": (POST + b"Content-Length:\r\n\r\nhello", 400),
    "Content-Length in Arabic digits": (POST + "Content-Length: \u0665\r\n\r\nhello".encode(), 400),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    "two lengths in one": (POST + b"Content-Length: 5, 6\r\n\r\nhello!", 400),
    "length of 21 digits": (POST + b"Content-Length: " + b"9" * 21 + b"\r\n\r\n", 400),
    "large length": (POST + b"Content-Length: 1001\r\n\r\n", 413),
    "bare line feeds": (b"GET /ping HTTP/1.1\nHost: x\n\n", 400),
    "bare line feed in a value": (b"GET /ping HTTP/1.1\r\nHost: x\nContent-Length: 5\r\n\r\n", 400),
    "bare line feed at the end": (b"GET /ping HTTP/1.1\r\nHost: x\r\n\n", 400),
    "bare carriage return": (b"GET /ping HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400),
    "NUL in a value": (b"GET /ping HTTP/1.1\r\nHost: x\0y\r\n\r\n", 400),
    "NUL in a name": (b"GET /ping HTTP/1.1\r\nHo\0st: x\r\n\r\n", 400),
    "NUL in the target": (b"GET /pi\0ng HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "control character": (b"GET /ping HTTP/1.1\r\nHost: x\x01\r\n\r\n", 400),
    "folded header": (b"GET /ping HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400),
    "blank before the colon": (b"GET /ping HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "header without a name": (b"GET /ping HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400),
    "header without a colon": (b"GET /ping HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400),
    "no host": (b"GET /ping HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /ping HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "no version": (b"GET /ping\r\n\r\n", 400),
    "HTTP/2.0": (b"GET /ping HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "lower-case http": (b"GET /ping http/1.1\r\n" + HOST + b"\r\n", 400),
    "two blanks": (b"GET  /ping HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "blank in the target": (b"GET /pi ng HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "target that is not ASCII": (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "leading empty line": (b"\r\nGET /ping HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "long header": (b"GET /ping HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "long target": (b"GET /" + b"a" * 40_000, 431),
    "many headers": (b"GET /ping HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 100 + b"\r\n", 431),
    "cut off in the head": (b"GET /ping HTT", 400),
    "cut off in the body": (POST + b"Content-Length: 5\r\n\r\nhell", 400),
    "cut off in a chunk": (CHUNKED + b"\r\n5\r\nhell", 400),
    "no last chunk": (CHUNKED + b"\r\n5\r\nhello\r\n", 400),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_a_request_that_two_servers_could_read_differently_is_refused_with_an_answer(shape: str) -> None:
    content, status = REFUSED[shape]

    requests, received = served(content)

    assert requests == []
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in received
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("shape", REFUSED)
def test_nothing_behind_a_refused_request_is_taken_for_a_request(shape: str) -> None:
    content, _ = REFUSED[shape]
    if shape.startswith(("cut off", "no last", "huge", "long target", "large", "TLS", "length of")):
        content += b"\r\n\r\n"

    requests, _ = served(content + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")

    assert [request for request in requests if request.path == "/smuggled"] == []


ACCEPTED = {
    "no body": (b"GET /ping?a=b HTTP/1.1\r\n" + HOST + b"\r\n", b""),
    "length": (POST + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "the same length twice": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "chunks": (CHUNKED + b"\r\n5\r\nhello\r\n5;x=y\r\n, you\r\n0\r\n\r\n", b"hello, you"),
    "upper-case sizes and trailers": (CHUNKED + b"\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", b"0123456789"),
    "Chunked": (POST + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", b""),
    "HTTP/1.0 without a host": (b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "tab in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\tb\r\n\r\n", b""),
    "Latin-1 in a value": (b"GET / HTTP/1.1\r\n" + HOST + b"X: \xe9\r\n\r\n", b""),
}


@pytest.mark.parametrize("shape", ACCEPTED)
@pytest.mark.parametrize("by_byte", [False, True])
def test_a_request_is_read_whatever_pieces_it_comes_in(shape: str, *, by_byte: bool) -> None:
    content, body = ACCEPTED[shape]

    requests, received = served(*([bytes([byte]) for byte in content] if by_byte else [content]))

    assert [request.body for request in requests] == [body]
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_requests_that_come_at_once_are_answered_in_their_order() -> None:
    requests, received = served(b"".join(content for content, _ in ACCEPTED.values() if b"HTTP/1.0" not in content))

    bodies = [body for shape, (_, body) in ACCEPTED.items() if not shape.startswith("HTTP/1.0")]
    assert [request.body for request in requests] == bodies
    assert received.count(b"HTTP/1.1 200 OK") == len(bodies)


@pytest.mark.parametrize(
    "content", [b"GET / HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"]
)
def test_nothing_is_answered_behind_the_last_request_of_a_connection(content: bytes) -> None:
    requests, received = served(content + content)

    assert len(requests) == received.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in received


def test_an_answer_to_head_has_no_body() -> None:
    _, received = served(b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")

    assert (
        received == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )


def test_headers_given_twice_are_joined() -> None:
    (request,), _ = served(b"GET / HTTP/1.1\r\n" + HOST + b"Accept: a\r\naccept: b\r\n\r\n")

    assert request.headers["accept"] == "a, b"


@contextmanager
def chunks_max(number: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_server, "CHUNKS_MAX", number)
        yield


def test_a_body_of_too_many_chunks_is_refused() -> None:
    with chunks_max(3):
        requests, received = served(CHUNKED + b"\r\n" + b"1\r\na\r\n" * 4 + b"0\r\n\r\n")

    assert requests == []
    assert received.startswith(b"HTTP/1.1 413 ")


WORDS = st.sampled_from(
    [
        *(
            b"GET /ping HTTP/1.1\r\n",
            b"POST / HTTP/1.1\r\n",
            b"GET / HTTP/1.0\r\n",
            HOST,
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b" ",
        ),
        *(b"Content-Length: 5\r\n", b"Content-Length: +5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5, 5\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
        *(
            b"hello",
            b"5\r\nhello\r\n",
            b"0x5\r\n",
            b"+5\r\nhello",
            b"0\r\n\r\n",
            b"0\r\n",
            b"5;a\r\n",
            b"\t",
            b":",
            b"x: y\r\n",
        ),
        *(
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"Expect: 100-continue\r\n",
            b"\xff",
            b"Upgrade: x\r\n",
        ),
    ]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=8)), max_size=24), st.data())
@settings(deadline=None, max_examples=300)
def test_no_bytes_give_other_requests_than_h11_reads_and_all_get_an_answer(
    words: list[bytes], data: st.DataObject
) -> None:
    content = b"".join(words)
    cut = data.draw(st.integers(0, len(content)))

    requests, received = served(content[:cut], content[cut:])

    shown = [(request.method.encode(), request.path.encode(), request.body) for request in requests]
    expected = [(method, target.partition(b"?")[0], body) for method, target, body in h11_verdict(content)]
    assert shown == expected[: len(shown)]
    final = received.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").count(b"HTTP/1.1 ")
    assert final in {len(shown), len(shown) + 1}
    assert final or not content
