"""Descriptions of stacks: answered as soon as there is something to tell."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs

from local_cloud.shared import emulator

HELD_BACK_S = 4.0
POLL_S = 0.02


async def answer_when_settled(body: bytes) -> None:
    """Hold back DescribeStacks of one stack while an operation is going on, for a few seconds at most.

    The CDK CLI asks every 5 seconds; an answer that comes as soon as there is something to tell saves it most of
    that time with each stack. What is answered is the state at that moment, as ever.
    """
    asked = parse_qs(body.decode("latin-1")) if b"Action=DescribeStacks" in body else {}
    if asked.get("Action") != ["DescribeStacks"] or "StackName" not in asked:
        return
    deadline = time.monotonic() + HELD_BACK_S
    while time.monotonic() < deadline:
        status = emulator.stack_status(asked["StackName"][0])
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return
        await asyncio.sleep(POLL_S)
