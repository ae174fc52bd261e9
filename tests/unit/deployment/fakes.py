"""Doubles of what the functions talk to, which remember what they were asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from deployment_functions.model_fields import FIELDS

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:topic-model-dev-training"


def execution_arn(name: str) -> str:
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"


class FakeSsm:
    """SSM parameters in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.writes_left = -1
        """How many more writes are let through; below 0 it is all."""

    def get_parameter(self, *, Name: str) -> dict[str, dict[str, str]]:
        self._require(Name, "GetParameter")
        return {"Parameter": {"Name": Name, "Value": self.values[Name]}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:
        assert (Type, Overwrite) == ("StringList" if Name.endswith("/model") else "String", True)
        if self.writes_left == 0:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "PutParameter")
        self.writes_left -= 1
        self.values[Name] = Value
        return {}

    def delete_parameter(self, *, Name: str) -> object:
        self._require(Name, "DeleteParameter")
        del self.values[Name]
        return {}

    def _require(self, name: str, operation: str) -> None:
        if name not in self.values:
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": name}}, operation)


class FakeStepFunctions:
    """Runs of one state machine: those under way, and what was started and stopped."""

    def __init__(self, *running: str) -> None:
        self.running = [
            {"executionArn": execution_arn(name), "name": name, "startDate": datetime(2026, 1, 1, hour, tzinfo=UTC)}
            for hour, name in enumerate(running)
        ]
        self.started: list[tuple[str, str]] = []
        self.stopped: list[str] = []

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, object]:  # noqa: A002
        self.started.append((name, input))
        return {"executionArn": execution_arn(name)}

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> dict[str, object]:
        self.stopped.append(executionArn.rpartition(":")[2])
        return {}

    def get_paginator(self, operation_name: str) -> FakeStepFunctions:
        assert operation_name == "list_executions"
        return self

    def paginate(self, **kwargs: object) -> Iterator[dict[str, list[dict[str, object]]]]:
        assert kwargs["statusFilter"] == "RUNNING"
        yield {"executions": []}
        yield {"executions": [dict(item) for item in self.running]}


def model(job: str, *, definition: str = "d1", corpus: str = "c1") -> dict[str, str]:
    return {field: f"{field} of {job}" for field in FIELDS} | {
        "job_name": job,
        "definition_hash": definition,
        "corpus_hash": corpus,
    }


def custom_resource_event(
    kind: str, properties: Mapping[str, object], old_properties: Mapping[str, object] | None = None
) -> dict[str, object]:
    event: dict[str, object] = {
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1:9/answer",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/TopicModel-dev-Training/1",
        "RequestId": f"request-{kind}",
        "LogicalResourceId": "Model",
        "ResourceProperties": dict(properties),
    }
    if kind != "Create":
        event["PhysicalResourceId"] = "Model"
    if old_properties is not None:
        event["OldResourceProperties"] = dict(old_properties)
    return event
