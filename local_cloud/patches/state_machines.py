"""State machines: definitions, names and inputs that Step Functions refuses, and MiniStack takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from local_cloud.shared import emulated_identity, emulator, private_names, refusals
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonObject, JsonValue, Node

MAX_DEFINITION_BYTES = 1_048_576
MAX_INPUT_BYTES = 262_144
SERVICE = "states.amazonaws.com"
_TYPES = frozenset({"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"})
_ENDING = frozenset({"Succeed", "Fail"})
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


def install() -> None:
    """Refuse what Step Functions refuses, over its API and in templates; imports MiniStack's Step Functions."""
    emulator.refuse_before(private_names.SFN_CREATE, _machine_problem)
    emulator.refuse_before(private_names.SFN_UPDATE, _machine_problem)
    emulator.refuse_before(private_names.SFN_START, _execution_problem)
    private_names.CFN_SFN_DEFINITION.wrap(_checked_definition)


def problems(definition: str) -> Iterator[str]:
    """Yield what Step Functions finds wrong with a definition's text."""
    if len(definition.encode()) > MAX_DEFINITION_BYTES:
        yield f"the definition is larger than {MAX_DEFINITION_BYTES} bytes"
        return
    try:
        machine = json.loads(definition)
    except ValueError as error:
        yield f"INVALID_JSON_DESCRIPTION: {error}"
        return
    yield from _machine_problems(machine, "")


def _machine_problems(machine: JsonValue, place: str) -> Iterator[str]:
    states = machine.get("States") if isinstance(machine, Mapping) else None
    if not isinstance(machine, Mapping) or not isinstance(states, Mapping) or not states:
        yield f"SCHEMA_VALIDATION_FAILED: {place}/States is missing or empty"
        return
    targets = {str(machine.get("StartAt", ""))}
    ends = False
    for name, state in states.items():
        at = f"{place}/States/{name}"
        if not isinstance(state, Mapping) or state.get("Type") not in _TYPES:
            yield f"SCHEMA_VALIDATION_FAILED: {at}/Type must be one of {', '.join(sorted(_TYPES))}"
            continue
        targets |= set(_targets(state))
        stops = state.get("End") is True or state["Type"] in _ENDING
        ends = ends or stops
        if state["Type"] != "Choice" and stops == ("Next" in state):
            yield f"SCHEMA_VALIDATION_FAILED: {at} must have one of Next and End"
        for inner in _inner_machines(state):
            yield from _machine_problems(inner, at)
    for target in sorted(targets - set(states)):
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {place or '/'}"
    if not ends:
        yield f"MISSING_TERMINAL_STATE: no state of {place or '/'} ends"


def _targets(state: JsonObject) -> Iterator[str]:
    choices, catchers = state.get("Choices"), state.get("Catch")
    for rule in (state, *_objects(choices), *_objects(catchers)):
        if "Next" in rule:
            yield str(rule["Next"])
    if "Default" in state:
        yield str(state["Default"])


def _inner_machines(state: JsonObject) -> Iterator[JsonValue]:
    if state["Type"] == "Parallel":
        yield from _objects(state.get("Branches"))
    if state["Type"] == "Map":
        yield state.get("ItemProcessor", state.get("Iterator"))


def _objects(value: JsonValue) -> list[JsonObject]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return [item for item in items if isinstance(item, Mapping)]


def _machine_problem(data: JsonObject) -> ServiceError | None:
    name, definition = data.get("name"), data.get("definition")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        return refusals.MACHINE_NAME.error(name=name)
    problem = next(problems(definition), None) if isinstance(definition, str) else None
    if problem:
        return refusals.BAD_DEFINITION.error(problem=problem)
    role = str(data.get("roleArn") or _role_of(str(data.get("stateMachineArn", ""))))
    logging = Node(data).node("loggingConfiguration")
    groups = [one.node("cloudWatchLogsLogGroup").text("logGroupArn") for one in logging.nodes("destinations")]
    return _role_problem(role) or _logging_problem(role, logging.text("level", "OFF"), groups)


def _role_of(machine: str) -> str:
    return str(private_names.SFN_STATE_MACHINES.get().get(machine, {}).get("roleArn", ""))


def _role_problem(role_arn: str) -> ServiceError | None:
    role = emulated_identity.find_role(emulator.current_scope(), role_arn)
    return refusals.MACHINE_ROLE_NOT_ASSUMABLE.error() if role is not None and SERVICE not in str(role.trust) else None


def _logging_problem(role: str, level: str, groups: list[str]) -> ServiceError | None:
    if level == "OFF":
        return None
    if len(groups) != 1:
        return refusals.LOGGING_CONFIGURATION.error(
            problem=f"Must specify exactly one Log Destination, got {len(groups)}."
        )
    group, qualifier = groups[0].removesuffix(":*"), groups[0].endswith(":*")
    if not qualifier:
        return refusals.LOGGING_CONFIGURATION.error(problem="Log Group ARN must be provided with '*' qualifier.")
    if group.rpartition(":log-group:")[2] not in private_names.LOG_GROUPS.get():
        return refusals.LOGGING_CONFIGURATION.error(problem=f"The Log Destination {group} does not exist.")
    if emulated_identity.role_denial(role, emulator.current_scope(), "logs:CreateLogDelivery", "*", {}):
        return refusals.LOGGING_NOT_ALLOWED.error()
    return None


def _execution_problem(data: JsonObject) -> ServiceError | None:
    name, text = data.get("name"), str(data.get("input", "{}"))
    if isinstance(name, str) and not _NAME.fullmatch(name):
        return refusals.MACHINE_NAME.error(name=name)
    if len(text.encode()) > MAX_INPUT_BYTES:
        return refusals.BAD_EXECUTION_INPUT.error(problem=f"it is larger than {MAX_INPUT_BYTES} bytes")
    try:
        json.loads(text)
    except ValueError as error:
        return refusals.BAD_EXECUTION_INPUT.error(problem=error)
    return None


def _checked_definition(original: Callable[..., str]) -> Callable[..., str]:
    def checked(properties: JsonObject) -> str:
        definition = original(properties)
        problem = next(problems(definition), None)
        if problem:
            raise ValueError(refusals.BAD_DEFINITION.text(problem=problem))
        role, logging = str(properties.get("RoleArn", "")), Node(properties).node("LoggingConfiguration")
        groups = [one.node("CloudWatchLogsLogGroup").text("LogGroupArn") for one in logging.nodes("Destinations")]
        refused = _role_problem(role) or _logging_problem(role, logging.text("Level", "OFF"), groups)
        if refused:
            raise ValueError(f"{refused.message} (Service: Sfn, Status Code: {refused.status}, {refused.code})")
        return definition

    return checked
