"""Typed wrappers over MiniStack's private API: requests, services and resources."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias, TypedDict
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from local_cloud.shared import private_names
from local_cloud.shared.service_model import ServiceModel
from local_cloud.shared.wire import JsonObject

Headers: TypeAlias = "dict[str, str]"
Query: TypeAlias = "Mapping[str, Sequence[str] | str]"
Response: TypeAlias = "tuple[int, dict[str, str], bytes]"
ServiceHandler: TypeAlias = Callable[[str, str, Headers, bytes, Query], Awaitable[Response]]


@dataclass(frozen=True)
class Scope:
    """The account and region that a request acts in."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def current_scope() -> Scope:
    """Return the scope of the request that is being answered."""
    return Scope(account=str(private_names.GET_ACCOUNT.get()()), region=str(private_names.GET_REGION.get()()))


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Act in `scope`, on a thread that answers no request."""
    with private_names.REQUEST_SCOPE.get()(scope.account, scope.region):
        yield


async def off_loop(function: Callable[..., Response], *arguments: object) -> Response:
    """Run blocking work that may call this server again on a thread of its own."""
    response: Response = await private_names.REENTRANT.get()(function, *arguments)
    return response


def add_service(name: str, *, target_prefix: str, handler: ServiceHandler) -> None:
    """Serve a new service: by its JSON target prefix, or by the credential scope of REST requests."""
    private_names.SERVICE_PATTERNS.get()[name] = {"target_prefixes": [f"{target_prefix}."]}
    private_names.SERVICE_HANDLERS.get()[name] = handler


def gate_service(name: str, until: Callable[[bytes], Awaitable[None]]) -> None:
    """Let a service's requests wait for `until`, which is given their body, before its handler sees them."""
    handlers: dict[str, ServiceHandler] = private_names.SERVICE_HANDLERS.get()
    original = handlers[name]

    async def gated(method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        await until(body)
        return await original(method, path, headers, body, query)

    handlers[name] = gated


def check_service(name: str, check: Callable[[str, Headers, bytes, Query], Response | None]) -> None:
    """Let `check` answer a service's request in its place: a refusal, or None to let it pass. It is given the path."""
    handlers: dict[str, ServiceHandler] = private_names.SERVICE_HANDLERS.get()
    original = handlers[name]

    async def checked(method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        return check(path, headers, body, query) or await original(method, path, headers, body, query)

    handlers[name] = checked


def asked(body: bytes, query: Query) -> dict[str, str]:
    """Return the parameters of a request of the query protocol, wherever they are."""
    given = {**query, **parse_qs(body.decode("latin-1"))}
    return {name: value if isinstance(value, str) else value[0] for name, value in given.items()}


class Problem(Protocol):
    """What an operation is refused with."""

    def response(self) -> Response:
        """Return the answer."""


def refuse_before(name: private_names.PrivateName, problem_of: Callable[..., Problem | None]) -> None:
    """Let an operation's function answer with the problem that `problem_of` finds in its arguments, if any."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def answered(*arguments: Any) -> Any:  # noqa: ANN401 - MiniStack's
            problem = problem_of(*arguments)
            return problem.response() if problem else original(*arguments)

        return answered

    name.wrap(wrapper)


def botocore_model(service: str) -> ServiceModel:
    """Return botocore's service model, the one copy that this process holds."""
    model: ServiceModel = private_names.SERVICE_MODEL.get()(service)
    return model


# Functions.


def function_of_url(host: str, path: str) -> str:
    """Return the ARN of the function, or alias, that a Function URL calls; '' where it is none."""
    parsed = private_names.PARSE_FUNCTION_URL.get()(host, path)
    return str(private_names.FUNCTION_URL_TARGET.get()(parsed[0])[0] or "") if parsed else ""


def configure_function(name: str, told: Mapping[str, object], *, vpc: object, reserved: int | None) -> None:
    """Give a function what GetFunctionConfiguration tells besides, its place in a VPC, and its reserved concurrency."""
    function = private_names.LAMBDA_FUNCTIONS.get()[name]
    function["config"] |= {**told, "VpcConfig": private_names.LAMBDA_VPC.get()(vpc)}
    function["concurrency"] = reserved


class Network(TypedDict):
    """A function's subnets, and what the account's VPCs are made of, as EC2 describes it."""

    subnets: list[str]
    known: dict[str, JsonObject]
    tables: list[JsonObject]
    endpoints: list[JsonObject]


def network_of(function: str) -> Network:
    """Return where a function, named by its ARN, is; no subnets where it is not there, or in no VPC."""
    parts = function.split(":")
    record = private_names.LAMBDA_FUNCTIONS.get().get(parts[6] if len(parts) > 6 else function) or {}  # noqa: PLR2004
    return {
        "subnets": list(record.get("config", {}).get("VpcConfig", {}).get("SubnetIds", ())),
        "known": dict(private_names.EC2_SUBNETS.get()),
        "tables": list(private_names.EC2_ROUTE_TABLES.get().values()),
        "endpoints": list(private_names.EC2_ENDPOINTS.get().values()),
    }


async def function_url_response(  # noqa: PLR0917 - MiniStack's
    host: str, path: str, method: str, headers: Headers, body: bytes, query: Query
) -> Response:
    """Return what a Function URL answers; 404 where there is none."""
    response: Response | None = await private_names.FUNCTION_URL.get()(host, path, method, headers, body, query)
    return response or (404, {"Content-Type": "application/json"}, b'{"Message":"Not Found"}')


def url_asks_for_signatures(host: str, path: str) -> bool:
    """Tell whether a Function URL takes signed requests only."""
    return _url_config(host, path).get("AuthType") == "AWS_IAM"


def cors_of_url(host: str, path: str, headers: Headers) -> dict[str, str] | None:
    """Return what a Function URL tells a browser of a request's origin; None where it has nothing set for browsers."""
    config = _url_config(host, path)
    return dict(private_names.FUNCTION_URL_CORS.get()(config, headers)) if config.get("Cors") else None


def url_has_cors(host: str, path: str) -> bool:
    """Tell whether a Function URL has something set for browsers."""
    return bool(_url_config(host, path).get("Cors"))


def _url_config(host: str, path: str) -> dict[str, Any]:
    parsed = private_names.PARSE_FUNCTION_URL.get()(host, path)
    resolved = private_names.FUNCTION_URL_TARGET.get()(parsed[0])[2] if parsed else None
    return dict(resolved[4]) if resolved else {}


def end_functions() -> None:
    """End the processes of every function, those that answer now too."""
    private_names.LAMBDA_RESET.get()()


# Step Functions.


def execution_error(error: str, cause: str) -> Exception:
    """Return what a task raises so that Retry and Catch see `error`."""
    raised: Exception = private_names.SFN_ERROR.get()(error, cause)
    return raised


def error_name(error: BaseException) -> str:
    """Return the error name of what a task raised, or ''."""
    return str(getattr(error, "error", ""))


def execution_is_running(arn: str) -> bool:
    """Tell whether an execution still runs."""
    execution = private_names.SFN_EXECUTIONS.get().get(arn)
    return bool(execution and execution["status"] == "RUNNING")


def execution_role(arn: str) -> str:
    """Return the ARN of the role that an execution's state machine acts under."""
    execution = private_names.SFN_EXECUTIONS.get().get(arn)
    machine = private_names.SFN_STATE_MACHINES.get().get(execution["stateMachineArn"]) if execution else None
    return str(machine["roleArn"]) if machine else ""


# CloudFormation.


def stack_name(name: str) -> str:
    """Return a stack's name, given that or its ARN."""
    return name.split("/")[1] if name.startswith("arn:") and "/" in name else name


def stack_status(name: str) -> str:
    """Return the status of a stack by name or ARN; '' where there is none."""
    stack = private_names.CFN_STACKS.get().get(stack_name(name))
    return str(stack["StackStatus"]) if stack else ""


# EC2.


@dataclass(frozen=True)
class Networks:
    """The ids of what networks are made of, in one account and region."""

    vpcs: frozenset[str]
    subnets: frozenset[str]
    groups: frozenset[str]
    route_tables: frozenset[str]


def networks(scope: Scope) -> Networks:
    """Return what there is, the default network included."""
    with within(scope):
        private_names.EC2_DEFAULTS.get()()
        return Networks(
            *(
                frozenset(kind.get())
                for kind in (
                    private_names.EC2_VPCS, private_names.EC2_SUBNETS, private_names.EC2_GROUPS,
                    private_names.EC2_ROUTE_TABLES,
                )
            )
        )  # fmt: skip


def ec2_error(code: str, message: str) -> Response:
    """Return EC2's refusal of a request."""
    refused: Response = private_names.EC2_ERROR.get()(code, message, 400)
    return refused


def next_fire(expression: str, after: datetime) -> datetime | None:
    """Return when a cron expression next comes due, in the time zone of `after`.

    Raises:
        ValueError: it is none.
    """
    fields = private_names.CRON_FIELDS.get()(expression)
    if fields is None:
        raise ValueError(f"{expression} is no cron expression")
    fires: datetime | None = private_names.CRON_NEXT.get()(fields, after)
    return fires


def budgets(operation: str, request: JsonObject) -> None:
    """Ask MiniStack's AWS Budgets for something.

    Raises:
        ValueError: it refuses, with its message.
    """
    status, _, body = private_names.BUDGETS_OPERATIONS.get()[operation](request)
    if status >= HTTPStatus.BAD_REQUEST:
        answer = json.loads(body)
        raise ValueError(f"{answer.get('__type')}: {answer.get('message') or answer.get('Message')}")


def create_flow_log(properties: Mapping[str, str]) -> str:
    """Record a flow log of one resource, named by CloudFormation's properties, and return its id."""
    _, _, body = private_names.EC2_FLOW_LOG_CREATE.get()({**properties, "ResourceId.1": properties["ResourceId"]})
    return str(ET.fromstring(body).findtext(".//{*}flowLogIdSet/{*}item"))  # noqa: S314 - MiniStack's own answer


def delete_flow_log(flow_log: str) -> None:
    """Forget a flow log; one that is not there is no error."""
    private_names.EC2_FLOW_LOGS.get().pop(flow_log, None)
    private_names.EC2_TAGS.get().pop(flow_log, None)


def tag_ec2(resource: str, tags: Mapping[str, str]) -> None:
    """Give a resource of EC2 these tags and no others."""
    private_names.EC2_TAGS.get()[resource] = [{"Key": key, "Value": value} for key, value in tags.items()]


def cloudformation_error(message: str) -> Response:
    """Return CloudFormation's refusal of a request that asks for what cannot be."""
    refused: Response = private_names.CFN_ERROR.get()("ValidationError", message)
    return refused
