from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from local_cloud.sagemaker.hosting.http_pool import HttpAnswer, HttpPool, LostConnectionError, NoConnectionError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def read_request(reader: asyncio.StreamReader) -> bool:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    await reader.readexactly(length)
    return True


def with_server(handler: Handler, client: Callable[[HttpPool], Awaitable[None]]) -> int:
    """Run a client against a server; return how many connections it made."""

    async def run() -> int:
        connections = 0

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await handler(reader, writer)
            writer.close()

        server = await asyncio.start_server(counted, "127.0.0.1", 0)
        pool = HttpPool(server.sockets[0].getsockname()[1])
        await client(pool)
        pool.close()
        server.close()
        return connections

    return asyncio.run(run())


async def post(pool: HttpPool, body: bytes = b"x", timeout_s: float = 5.0) -> HttpAnswer:
    return await pool.request("POST", "/invocations", {"Accept": "*/*"}, body, timeout_s=timeout_s)


async def keeps_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await read_request(reader):
        writer.write(OK)


async def closes_after_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(OK)


async def closes_without_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


def test_one_connection_serves_requests_one_after_another() -> None:
    async def client(pool: HttpPool) -> None:
        for size in (0, 10, 1_000_000):
            assert await post(pool, b"x" * size) == HttpAnswer(200, {"content-length": "2"}, b"ok")

    assert with_server(keeps_open, client) == 1


def test_a_kept_connection_that_the_server_has_closed_is_not_used() -> None:
    async def client(pool: HttpPool) -> None:
        for _ in range(3):
            assert (await post(pool)).body == b"ok"
            await asyncio.sleep(0.01)  # lets the loop see the server's end

    assert with_server(closes_after_one, client) == 3


def test_a_request_that_the_server_took_and_did_not_answer_is_lost_and_not_sent_again() -> None:
    async def client(pool: HttpPool) -> None:
        with pytest.raises(LostConnectionError):
            await post(pool)

    assert with_server(closes_without_an_answer, client) == 1


def test_a_late_answer_is_a_timeout() -> None:
    async def client(pool: HttpPool) -> None:
        with pytest.raises(TimeoutError):
            await post(pool, timeout_s=0.05)

    with_server(says_nothing, client)


def test_a_server_that_is_not_there_takes_no_request() -> None:
    async def client(pool: HttpPool) -> None:
        gone = HttpPool(1)
        with pytest.raises(NoConnectionError):
            await post(gone)

    with_server(keeps_open, client)
