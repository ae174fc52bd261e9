"""What can be done to the local cloud itself, over HTTP beside its services.

- POST `/_local_cloud/clock` `{"advance_s": <seconds>}` puts the clock of rollouts forward.
- POST `/_local_cloud/interruptions` `{"training_job": <name>, "without_capacity_s": <seconds>}` takes the Spot
  instances of a training job away; there is capacity for others after so many seconds (0 when it is not given).
- POST `/_local_cloud/sessions` `{"expire": <role ARN>}` lets a role's temporary credentials expire.
- POST `/_local_cloud/stack-roles` `{"held": <true or false>}` says whether CloudFormation's changes are held to the
  policies of stacks' roles, as they are from the start.
- POST `/_local_cloud/rollbacks` `{"overlooked": <true or false>}` says whether CloudFormation takes an endpoint whose
  rollout SageMaker has taken back for updated, which it does not from the start.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from local_cloud.cloudformation import stack_roles
from local_cloud.shared import emulated_identity
from local_cloud.shared.service_errors import ServiceError, validation_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from local_cloud.sagemaker.service import SageMaker
    from local_cloud.shared.wire import JsonValue

CLOCK_PATH = "/_local_cloud/clock"
INTERRUPTION_PATH = "/_local_cloud/interruptions"
SESSIONS_PATH = "/_local_cloud/sessions"
STACK_ROLES_PATH = "/_local_cloud/stack-roles"
ROLLBACKS_PATH = "/_local_cloud/rollbacks"
PATHS = frozenset({CLOCK_PATH, INTERRUPTION_PATH, ROLLBACKS_PATH, SESSIONS_PATH, STACK_ROLES_PATH})
OK, BAD_REQUEST = 200, 400


async def control(
    sagemaker: SageMaker,
    scope: MutableMapping[str, object],
    receive: Callable[[], Awaitable[MutableMapping[str, object]]],
    send: Callable[[MutableMapping[str, object]], Awaitable[None]],
) -> None:
    """Answer a request to one of `PATHS`: 200, or 400 with one sentence."""
    body, more = b"", True
    while more:
        message = await receive()
        part = message.get("body")
        body += part if isinstance(part, bytes) else b""
        more = bool(message.get("more_body"))
    status, told = OK, b"{}"
    try:
        _carry_out(sagemaker, str(scope["method"]), str(scope["path"]), body)
    except ServiceError as error:
        status, told = BAD_REQUEST, error.message.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told})


def _carry_out(sagemaker: SageMaker, method: str, path: str, body: bytes) -> None:
    asked = _object(body) if method == "POST" else {}
    if path == CLOCK_PATH:
        seconds = _seconds(asked.get("advance_s"))
        if seconds is None:
            raise validation_error('POST {"advance_s": <seconds, 0 or more>}')
        sagemaker.backend.clock.advance(seconds)
        return
    if path == SESSIONS_PATH:
        role = asked.get("expire")
        if not isinstance(role, str):
            raise validation_error('POST {"expire": <the ARN of a role>}')
        if not emulated_identity.expire_sessions(role):
            raise validation_error(f"nobody has temporary credentials of the role {role[:200]}")
        return
    if path == STACK_ROLES_PATH:
        stack_roles.hold_roles(held=_truth(asked, "held"))
        return
    if path == ROLLBACKS_PATH:
        sagemaker.rollbacks_are_overlooked = _truth(asked, "overlooked")
        return
    name, without_capacity_s = asked.get("training_job"), _seconds(asked.get("without_capacity_s", 0))
    if not isinstance(name, str) or without_capacity_s is None:
        raise validation_error('POST {"training_job": <name>, "without_capacity_s": <seconds, 0 or more>}')
    sagemaker.training_jobs.interrupt(name, without_capacity_s)


def _object(body: bytes) -> Mapping[str, JsonValue]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _truth(asked: Mapping[str, JsonValue], name: str) -> bool:
    value = asked.get(name)
    if not isinstance(value, bool):
        raise validation_error(f'POST {{"{name}": <true or false>}}')
    return value


def _seconds(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
