"""What can be done to the local cloud itself, over HTTP beside its services.

The clock of rollouts is put forward, and a role's temporary credentials are let expire: both would take hours.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from local_cloud import emulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from local_cloud.clock import Clock

CLOCK_PATH = "/_local_cloud/clock"
SESSIONS_PATH = "/_local_cloud/sessions"
PATHS = frozenset({CLOCK_PATH, SESSIONS_PATH})
OK, BAD_REQUEST = 200, 400


async def answer(
    clock: Clock,
    scope: MutableMapping[str, object],
    receive: Callable[[], Awaitable[MutableMapping[str, object]]],
    send: Callable[[MutableMapping[str, object]], Awaitable[None]],
) -> None:
    """Answer POST `{"advance_s": <seconds>}` to the clock, and `{"expire": <role ARN>}` to the sessions."""
    body, more = b"", True
    while more:
        message = await receive()
        part = message.get("body")
        body += part if isinstance(part, bytes) else b""
        more = bool(message.get("more_body"))
    asked = _object(body) if scope["method"] == "POST" else {}
    refusal = _advance(clock, asked) if scope["path"] == CLOCK_PATH else _expire(asked)
    told = (refusal or "{}").encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": BAD_REQUEST if refusal else OK, "headers": headers})
    await send({"type": "http.response.body", "body": told})


def _object(body: bytes) -> Mapping[str, object]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _advance(clock: Clock, asked: Mapping[str, object]) -> str | None:
    seconds = asked.get("advance_s")
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        return 'POST {"advance_s": <seconds, 0 or more>}'
    clock.advance(float(seconds))
    return None


def _expire(asked: Mapping[str, object]) -> str | None:
    role = asked.get("expire")
    if not isinstance(role, str):
        return 'POST {"expire": <the ARN of a role>}'
    return None if emulator.expire_sessions(role) else f"nobody has temporary credentials of the role {role[:200]}"
