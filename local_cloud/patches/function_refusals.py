"""Functions: what Lambda refuses and MiniStack takes, over its API and in templates."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from local_cloud.function_urls import MAX_PAYLOAD_BYTES
from local_cloud.shared import emulated_identity, emulator, networks, private_names, refusals
from local_cloud.shared.emulator import Headers, Query, Response
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.validation import coerce, validate
from local_cloud.shared.wire import JsonObject, JsonValue, Node

LEAST_UNRESERVED = 100
ACCOUNT_CONCURRENCY = 1000
MAX_TIMEOUT_S = 900
MAX_ENVIRONMENT_BYTES = 4096
MAX_ANSWER_BYTES = MAX_PAYLOAD_BYTES + 100
MAX_EVENT_BYTES = 1024 * 1024
"""An asynchronous invocation's."""
SERVICE = "lambda.amazonaws.com"
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
_CHECKED = (
    "Description", "Environment", "EphemeralStorage", "FunctionName", "Handler", "MemorySize", "Role", "Runtime",
    "SnapStart", "Timeout", "VpcConfig",
)  # fmt: skip


def install() -> None:
    """Refuse over the API."""
    emulator.check_service("lambda", _check_payload)
    private_names.LAMBDA_INVOKE.wrap(_with_limited_answer)
    emulator.refuse_before(private_names.LAMBDA_CREATE, _function_problem)
    emulator.refuse_before(
        private_names.LAMBDA_UPDATE, lambda name, data: _function_problem({**data, "FunctionName": name})
    )
    emulator.refuse_before(private_names.LAMBDA_RESERVE, _reservation_problem)
    emulator.refuse_before(private_names.LAMBDA_PROVISION, _provision_problem)
    emulator.refuse_before(private_names.LAMBDA_ALIAS_CREATE, _alias_problem)
    emulator.refuse_before(private_names.LAMBDA_ALIAS_UPDATE, lambda name, _, data: _alias_problem(name, data))


def require_function(properties: JsonObject) -> None:
    """Check the properties of a template's function.

    Raises:
        ValueError: with the reason that CloudFormation shows.
    """
    name = str(properties.get("FunctionName", "function"))
    problem = _function_problem({**properties, "FunctionName": name})
    if problem is None and "ReservedConcurrentExecutions" in properties:
        problem = _reservation_problem(name, properties)
    if problem is not None:
        raise ValueError(f"{problem.message} (Service: Lambda, Status Code: {problem.status}, {problem.code})")


def _check_payload(path: str, headers: Headers, body: bytes, query: Query) -> Response | None:
    del query
    if not path.rstrip("/").endswith("/invocations"):
        return None
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    most = MAX_EVENT_BYTES if kind == "Event" else MAX_PAYLOAD_BYTES
    return (
        refusals.REQUEST_TOO_LARGE.error(count=len(body), kind=kind, most=most).response() if len(body) > most else None
    )


def _with_limited_answer(invoke: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def invoked(*arguments: object, **options: object) -> Response:
        status, headers, body = await invoke(*arguments, **options)
        if len(body) <= MAX_ANSWER_BYTES:
            return status, headers, body
        problem = {"errorMessage": refusals.ANSWER_TOO_LARGE.text(most=MAX_ANSWER_BYTES),
                   "errorType": refusals.ANSWER_TOO_LARGE.code}  # fmt: skip
        return status, {**headers, "X-Amz-Function-Error": "Unhandled"}, json.dumps(problem).encode()

    return invoked


def _function_problem(data: JsonObject) -> ServiceError | None:
    given = {name: data[name] for name in _CHECKED if data.get(name) is not None}
    shape = emulator.botocore_model("lambda").operation_model("UpdateFunctionConfiguration").input_shape
    request = coerce(shape, given)
    try:
        validate(shape, dict(request) if isinstance(request, Mapping) else {}, refusals.FUNCTION_CONSTRAINT)
    except ServiceError as problem:
        return problem
    if int(str(given.get("Timeout", 0))) > MAX_TIMEOUT_S:
        return refusals.FUNCTION_TIMEOUT.error(seconds=given["Timeout"], most=MAX_TIMEOUT_S)
    variables = Node(given).node("Environment").mapping("Variables")
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        return refusals.ENVIRONMENT_RESERVED.error(names=", ".join(reserved))
    text = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > MAX_ENVIRONMENT_BYTES:
        return refusals.ENVIRONMENT_TOO_LARGE.error(text=text)
    role = emulated_identity.find_role(emulator.current_scope(), str(given["Role"])) if "Role" in given else None
    if role is not None and SERVICE not in str(role.trust):
        return refusals.FUNCTION_ROLE_NOT_ASSUMABLE.error()
    return _network_problem(given)


def _network_problem(given: JsonObject) -> ServiceError | None:
    vpc, scope = Node(given).node("VpcConfig"), emulator.current_scope()
    subnets = vpc.texts("SubnetIds")
    missing = networks.problem_of(scope, subnets=subnets, groups=vpc.texts("SecurityGroupIds"))
    if missing is not None:
        operation = "DescribeSubnets" if "Subnet" in missing.code else "DescribeSecurityGroups"
        return refusals.FUNCTION_NETWORK_MISSING.error(operation=operation, code=missing.code, problem=missing.message)
    role = str(given.get("Role", ""))
    if subnets and role and emulated_identity.role_denial(role, scope, "ec2:CreateNetworkInterface", "*", {}):
        return refusals.FUNCTION_WITHOUT_INTERFACES.error()
    return None


def _reservation_problem(name: str, data: JsonObject) -> ServiceError | None:
    functions: Mapping[str, Mapping[str, JsonValue]] = private_names.LAMBDA_FUNCTIONS.get()
    others = sum(int(str(item.get("concurrency") or 0)) for other, item in functions.items() if other != name)
    asked = int(str(data.get("ReservedConcurrentExecutions") or 0))
    # A reservation of 0 only takes the function out of service.
    if asked and ACCOUNT_CONCURRENCY - others - asked < LEAST_UNRESERVED:
        return refusals.TOO_LITTLE_UNRESERVED.error(least=LEAST_UNRESERVED)
    return None


def _provision_problem(name: str, qualifier: str, data: JsonObject) -> ServiceError | None:
    del data
    if qualifier == "$LATEST":
        return refusals.PROVISIONED_OF_LATEST.error()
    function = private_names.LAMBDA_FUNCTIONS.get().get(name, {})
    alias = Node(function.get("aliases", {})).node(qualifier)
    version = function.get("versions", {}).get(alias.text("FunctionVersion", qualifier), {})
    if "PublishedVersions" in str(version.get("config", {}).get("SnapStart")):
        return refusals.PROVISIONED_WITH_SNAPSTART.error()
    return None


def _alias_problem(name: str, data: JsonObject) -> ServiceError | None:
    version = str(data.get("FunctionVersion", "$LATEST"))
    function = private_names.LAMBDA_FUNCTIONS.get().get(name)
    if function is None or version == "$LATEST" or version in function.get("versions", {}):
        return None
    return refusals.ALIAS_OF_NO_VERSION.error(arn=emulator.current_scope().arn("lambda", f"function:{name}:{version}"))
