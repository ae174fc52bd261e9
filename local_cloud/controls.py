"""What can be done to the local cloud itself, over HTTP beside its services.

- POST `/_local_cloud/clock` `{"advance_s": <seconds>}` puts the clock of rollouts forward.
- POST `/_local_cloud/interruptions` `{"training_job": <name>, "without_capacity_s": <seconds>}` takes the Spot
  instances of a training job away; there is capacity for others after so many seconds (0 when it is not given).
- POST `/_local_cloud/sessions` `{"expire": <role ARN>}` lets a role's temporary credentials expire.
- POST `/_local_cloud/sessions` `{"assume": <role's name>, "account": <its account>}` answers with a session of a role,
  in the variables that a client takes.
- POST `/_local_cloud/proxy` `{"proxy": <the user's own>, "without": <NO_PROXY>}`, or `{}` to leave those as they are,
  lets the proxy for AWS's hosts listen, and answers with its `address` and the file of its `authority`.
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
from local_cloud.entrance.proxy import Upstream
from local_cloud.shared import emulated_identity, emulator, roles
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.settings import REGION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from local_cloud.entrance.proxy import Proxy
    from local_cloud.sagemaker.service import SageMaker
    from local_cloud.shared.wire import JsonValue

CLOCK_PATH = "/_local_cloud/clock"
INTERRUPTION_PATH = "/_local_cloud/interruptions"
SESSIONS_PATH = "/_local_cloud/sessions"
STACK_ROLES_PATH = "/_local_cloud/stack-roles"
ROLLBACKS_PATH = "/_local_cloud/rollbacks"
PROXY_PATH = "/_local_cloud/proxy"
PATHS = frozenset({CLOCK_PATH, INTERRUPTION_PATH, ROLLBACKS_PATH, SESSIONS_PATH, STACK_ROLES_PATH, PROXY_PATH})
OK, BAD_REQUEST = 200, 400


async def control(
    sagemaker: SageMaker,
    proxy: Proxy,
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
    status, content = OK, b"{}"
    try:
        asked, path = _object(body) if scope["method"] == "POST" else {}, str(scope["path"])
        if path == PROXY_PATH:
            content = json.dumps(await _listen(proxy, asked)).encode()
        elif path == SESSIONS_PATH and "assume" in asked:
            content = json.dumps(_session(asked)).encode()
        else:
            _carry_out(sagemaker, path, asked)
    except ServiceError as error:
        status, content = BAD_REQUEST, error.message.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _listen(proxy: Proxy, asked: Mapping[str, JsonValue]) -> dict[str, str]:
    own, without = asked.get("proxy"), asked.get("without", "")
    try:
        address, authority = await proxy.start(None if own is None else Upstream(str(own), str(without)))
    except OSError as error:
        raise validation_error(f"the proxy cannot be started: {error}") from None
    return {"address": address, "authority": authority}


def _session(asked: Mapping[str, JsonValue]) -> dict[str, str]:
    name, account = asked.get("assume"), asked.get("account")
    if not isinstance(name, str) or not isinstance(account, str):
        raise validation_error('POST {"assume": <the name of a role>, "account": <its account>}')
    scope = emulator.Scope(account, REGION)
    role = emulated_identity.role_named(scope, name)
    if role is None:
        raise validation_error(f"account {account} has no role {name[:200]}")
    return roles.session_of(scope, role, "SageMaker").variables()


def _carry_out(sagemaker: SageMaker, path: str, asked: Mapping[str, JsonValue]) -> None:
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
