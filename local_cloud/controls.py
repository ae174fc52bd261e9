"""What can be done to the local cloud itself, over HTTP beside its services: put the clock of rollouts forward."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from local_cloud.clock import Clock

CLOCK_PATH = "/_local_cloud/clock"
OK, BAD_REQUEST = 200, 400


async def advance(
    clock: Clock,
    scope: MutableMapping[str, object],
    receive: Callable[[], Awaitable[MutableMapping[str, object]]],
    send: Callable[[MutableMapping[str, object]], Awaitable[None]],
) -> None:
    """Answer POST `{"advance_s": <seconds>}`."""
    body, more = b"", True
    while more:
        message = await receive()
        part = message.get("body")
        body += part if isinstance(part, bytes) else b""
        more = bool(message.get("more_body"))
    seconds = _seconds(body) if scope["method"] == "POST" else None
    if seconds is not None:
        clock.advance(seconds)
    status = BAD_REQUEST if seconds is None else OK
    told = b"{}" if seconds is not None else b'POST {"advance_s": <seconds, 0 or more>}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told})


def _seconds(body: bytes) -> float | None:
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    seconds = asked.get("advance_s") if isinstance(asked, dict) else None
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        return None
    return float(seconds)
