"""Step Functions' integrations with SageMaker: create a training, transform or processing job, also `.sync`."""

from __future__ import annotations

import contextvars
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.shared import emulated_identity, emulator, private_names, roles
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import JsonService
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonObject, JsonValue, MutableJson

PREFIX = "arn:aws:states:::sagemaker:"
MANAGED_TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
POLL_S = 0.1

_KINDS = ("Training", "Transform", "Processing")
_EXCEPTIONS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound", "ConflictException"}
"""Modelled exceptions; anything else is the SDK's base class."""

_execution: contextvars.ContextVar[str] = contextvars.ContextVar("execution", default="")
_abandoned: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("abandoned", default=None)


@dataclass(frozen=True)
class JobKind:
    """A kind of job that a state can run and wait for."""

    name: str
    finished: Callable[[Scope, str], threading.Event]
    """Gives the event that a job of this name sets when it has ended."""

    @property
    def integration(self) -> str:
        """The integration's ARN, without a pattern."""
        return f"{PREFIX}create{self.name}"


def install(api: JsonService, kinds: list[JobKind]) -> None:
    """Make the integrations known to MiniStack's Step Functions, and the SDK integrations of SageMaker."""
    private_names.SFN_FAIL.wrap(_unless_ended)
    private_names.SFN_RUN.wrap(_remember_execution)
    private_names.SFN_TIMEOUT.wrap(_tell_of_timeout)
    for kind in kinds:
        private_names.SFN_DISPATCH.get()[kind.integration] = _task(api, kind)
    private_names.SFN_SDK_SERVICES.get()["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    private_names.SFN_SDK_PREFIXES.get()["sagemaker"] = "SageMaker"
    # An error that the service does not model is the SDK's base exception.
    private_names.SFN_SDK_CODES.get()["sagemaker"] = {"ValidationException": "SageMakerException"}


def _unless_ended(fail: Callable[..., None]) -> Callable[..., None]:
    # MiniStack has an execution that was stopped fail once its job has stopped; on AWS it stays ABORTED.
    def failed(execution: Mapping[str, JsonValue], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    return failed


def _remember_execution(run: Callable[[str], None]) -> Callable[[str], None]:
    # On the execution's own thread and context, which the tasks in it inherit.
    def remembered(arn: str) -> None:
        _execution.set(arn)
        run(arn)

    return remembered


def _tell_of_timeout(invoke: Callable[..., Any]) -> Callable[..., Any]:
    # MiniStack gives up waiting at TimeoutSeconds and leaves the task running; on AWS the job is stopped.
    def told(*arguments: object) -> object:
        abandoned = threading.Event()
        token = _abandoned.set(abandoned)
        try:
            return invoke(*arguments)
        except Exception as error:
            if emulator.error_name(error) == "States.Timeout":
                abandoned.set()
            raise
        finally:
            _abandoned.reset(token)

    return told


def _task(api: JsonService, kind: JobKind) -> Callable[[str, Mapping[str, JsonValue]], JsonObject]:
    def run(resource: str, parameters: Mapping[str, JsonValue]) -> JsonObject:
        scope = emulator.current_scope()
        execution = _execution.get()
        if execution and not emulator.execution_is_running(execution):
            # MiniStack goes through all items of a Map; on AWS those that wait never start in an execution that ended.
            raise emulator.execution_error("States.TaskFailed", "The execution has ended")
        request = _tagged(parameters)
        name = str(request.get(f"{kind.name}Name", ""))
        created = _call(api, f"Create{kind.name}", scope, request)
        if not resource.endswith(".sync"):
            return created
        _wait(api, kind, scope, name)
        described = _call(api, f"Describe{kind.name}", scope, {f"{kind.name}Name": name})
        answer = _in_milliseconds(described)
        if described[f"{kind.name}Status"] != "Completed":
            raise emulator.execution_error("States.TaskFailed", json.dumps(answer))
        return answer

    return run


def _tagged(parameters: Mapping[str, JsonValue]) -> MutableJson:
    tags = parameters.get("Tags")
    given = list(tags) if isinstance(tags, list) else []
    return {**parameters, "Tags": [*given, MANAGED_TAG]}


def _wait(api: JsonService, kind: JobKind, scope: Scope, name: str) -> None:
    execution, abandoned = _execution.get(), _abandoned.get()
    finished = kind.finished(scope, name)
    while not finished.wait(POLL_S):
        given_up = abandoned is not None and abandoned.is_set()
        if given_up or (execution and not emulator.execution_is_running(execution)):
            _call(api, f"Stop{kind.name}", scope, {f"{kind.name}Name": name})
            finished.wait()


def _call(api: JsonService, operation: str, scope: Scope, request: MutableJson) -> JsonObject:
    try:
        _require_permission(operation, scope, request)
        return api.call(operation, scope, request)
    except ServiceError as error:
        known = error.code in _EXCEPTIONS
        name = (
            f"SageMaker.{error.code.removesuffix('Exception')}Exception"
            if known
            else "SageMaker.AmazonSageMakerException"
        )
        cause = (
            f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise emulator.execution_error(name, cause) from None


def _require_permission(operation: str, scope: Scope, request: MutableJson) -> None:
    """Hold the state machine's role to its policies, which MiniStack does not do for integrations."""
    execution = _execution.get()
    role = emulator.execution_role(execution) if execution else ""
    if not role:
        return
    kind, name = next(
        (f"{kind.lower()}-job", request.get(f"{kind}JobName")) for kind in _KINDS if f"{kind}Job" in operation
    )
    needed: list[tuple[str, str, dict[str, str]]] = [
        (f"sagemaker:{operation}", scope.arn("sagemaker", f"{kind}/{name}"), {})
    ]
    if "RoleArn" in request:
        needed.append(("iam:PassRole", str(request["RoleArn"]), {"iam:PassedToService": roles.SAGEMAKER}))
    for action, resource, keys in needed:
        if not emulated_identity.role_allows(role, scope, action, resource, keys):
            raise ServiceError(
                "AccessDeniedException",
                f"User: {role} is not authorized to perform: {action} on resource: {resource} because no "
                f"identity-based policy allows the {action} action",
            )


def _in_milliseconds(value: JsonObject) -> MutableJson:
    """Give times as Step Functions does in a task's output: epoch milliseconds."""
    return {name: _converted(name, item) for name, item in value.items()}


def _converted(name: str, item: JsonValue) -> JsonValue:
    if name.endswith(("Time", "Timestamp")) and isinstance(item, float):
        return round(item * 1000)
    if isinstance(item, Mapping):
        return _in_milliseconds(item)
    if isinstance(item, list):
        return [_in_milliseconds(part) if isinstance(part, Mapping) else part for part in item]
    return item
