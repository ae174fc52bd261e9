"""What a worker of the model server holds, and for how long, whatever its clients do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from training_scripts.ntm.serving import http_server
from training_scripts.ntm.serving.http_server import HttpServer
from training_scripts.ntm.serving.messages import Request, Response

ANSWER = bytes(32 << 20)
"""More than a socket's own buffers take."""
BODY = bytes(http_server.SMALL_BODY_BYTES + 1)
LARGE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
SMALL = b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class World:
    """A server that serves, and clients of it."""

    def __init__(self) -> None:
        self.asked = 0
        self._kept: list[Client] = []
        self.server = HttpServer(self._answer, refusal=_refusal, max_body_bytes=1 << 20)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)

    def _answer(self, request: Request) -> Response:
        if request.path == "/small":
            return Response(200)
        self.asked += 1
        return Response(200, ANSWER)

    async def run(self, scene: Callable[[World], Awaitable[None]]) -> None:
        serving = asyncio.create_task(self.server.serve(self._listener))
        await scene(self)
        self.server._stopping.set()
        await serving
        self._listener.close()

    async def client(self, content: bytes = b"") -> Client:
        reader, writer = await asyncio.open_connection(*self._listener.getsockname())
        writer.write(content)
        # One that nothing refers to is closed.
        self._kept.append((reader, writer))
        return reader, writer


def _refusal(status: int, code: str, _message: str) -> Response:
    return Response(status, code.encode())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (the server is not told to tell)
            await asyncio.sleep(0.01)


def played(scene: Callable[[World], Awaitable[None]]) -> None:
    world = World()
    asyncio.run(world.run(scene))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_SWEEP_S", 0.02)
    monkeypatch.setattr(http_server, "DRAIN_TIMEOUT_S", 0.2)
    monkeypatch.setattr(http_server, "QUEUED_BYTES_MAX", 1 << 20)


def test_answers_wait_to_be_made_while_others_are_not_read_and_small_ones_do_not() -> None:
    async def scene(world: World) -> None:
        clients = [await world.client(LARGE) for _ in range(5)]
        await until(lambda: len(world.server.waiting) == 4)
        assert world.asked == 1
        reader, _ = await world.client(SMALL)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        await asyncio.gather(*(reader.readexactly(len(ANSWER)) for reader, _ in clients))
        assert world.asked == 5

    played(scene)


def test_a_client_that_does_not_read_is_cut_off_and_the_next_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "STALL_TIMEOUT_S", 0.3)

    async def scene(world: World) -> None:
        await world.client(LARGE)
        await until(lambda: world.asked == 1)
        reader, _ = await world.client(LARGE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        await reader.readexactly(len(ANSWER))
        await until(lambda: len(world.server.connections) == 1)

    played(scene)


def test_a_client_that_reads_in_drips_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "WRITE_TIMEOUT_S", 0.5)

    async def scene(world: World) -> None:
        reader, _ = await world.client(LARGE)
        await until(lambda: world.asked == 1)

        async def drip() -> None:
            while await reader.read(100):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        await until(lambda: not world.server.connections)
        dripping.cancel()

    played(scene)


def test_a_request_that_waits_too_long_for_room_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "ROOM_TIMEOUT_S", 0.2)

    async def scene(world: World) -> None:
        await world.client(LARGE)
        await until(lambda: world.asked == 1)
        reader, _ = await world.client(LARGE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        assert world.server.held_bytes == 0

    played(scene)


def test_bodies_that_arrive_are_bounded_together() -> None:
    async def scene(world: World) -> None:
        world.server._held_max = 3000
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
        _, writer = await world.client(head + bytes(2000))
        await until(lambda: world.server.held_bytes == 2000)
        reader, _ = await world.client(head + bytes(2000))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        writer.close()
        await until(lambda: world.server.held_bytes == 0)

    played(scene)


@pytest.mark.parametrize("content", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell"])
def test_a_request_that_takes_too_long_to_arrive_is_told_so(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(http_server, "HEAD_TIMEOUT_S", 0.1)
    monkeypatch.setattr(http_server, "BODY_TIMEOUT_S", 0.1)

    async def scene(world: World) -> None:
        reader, _ = await world.client(content)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")

    played(scene)


def test_an_unused_connection_is_closed_in_time_and_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_TIMEOUT_S", 0.1)

    async def scene(world: World) -> None:
        reader, _ = await world.client()
        assert await reader.read() == b""

    played(scene)


def test_the_connection_unused_for_longest_makes_place_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "CONNECTIONS_MAX", 2)

    async def scene(world: World) -> None:
        first, second = await world.client(), await world.client()
        await until(lambda: len(world.server.connections) == 2)
        reader, _ = await world.client(SMALL)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        assert await first[0].read() == b""
        second[1].write(SMALL)
        assert (await second[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")

    played(scene)
