"""A deployed stage: the one way to find what its stacks made, and to ask it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import boto3
from botocore.exceptions import ClientError

from operations.errors import OperationError
from stacks.shared.names import in_service_parameter, parameters_prefix, registry_name, stack_prefix

from deployment_functions.ledger import Ledger, read_parameter

PARTS = ("Data", "Training", "Serving")
"""The stage's stacks, by the ends of their names."""


REGION_VARIABLE: Final = "AWS_REGION"
"""What AWS's other tools take the region from; boto3 reads AWS_DEFAULT_REGION alone."""


def session(region: str | None = None) -> boto3.Session:
    """Return a session of the region that is named, or else of AWS_REGION, AWS_DEFAULT_REGION or the profile."""
    return boto3.Session(region_name=region or os.environ.get(REGION_VARIABLE) or None)


class DeployedStage:
    """A stage in the account and region of the credentials, with one client a service, made when it is needed."""

    def __init__(self, name: str, client: Callable[[str], Any] | None = None) -> None:
        """Take the stage's name; `client` makes the client of a service, as a boto3 session does."""
        self.name = name
        self._make = client or session().client
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 -- boto3 has no types: what it is used as, the caller says
        """Return boto3's client of a service."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    @property
    def ledger(self) -> Ledger:
        """The record of the stage's models."""
        return Ledger(self.client("ssm"), parameters_prefix(self.name))

    def stack(self, part: str) -> str:
        """Return the name of a part's stack."""
        return f"{stack_prefix(self.name)}-{part}"

    def status(self, part: str) -> str | None:
        """Return the status of a part's stack; None where there is none."""
        described = self._described(part)
        return None if described is None else cast("str", described["StackStatus"])

    def outputs(self, *parts: str) -> dict[str, str]:
        """Return the outputs of the parts' stacks, by their names.

        Raises:
            OperationError: one is not deployed.
        """
        outputs: dict[str, str] = {}
        for part in parts:
            described = self._described(part)
            if described is None:
                raise OperationError(
                    f"there is no stack {self.stack(part)} in this account and region: deploy stage {self.name!r}"
                )
            listed = cast("list[Mapping[str, str]]", described.get("Outputs", []))
            outputs |= {item["OutputKey"]: item["OutputValue"] for item in listed}
        return outputs

    def resources(self, part: str) -> Iterator[tuple[str, str]]:
        """Return type and physical name of what a part's stack made, and still has."""
        for page in (
            self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack(part))
        ):
            for resource in page["StackResourceSummaries"]:
                if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE":
                    yield resource["ResourceType"], resource["PhysicalResourceId"]

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value; None where there is none."""
        return read_parameter(self.client("ssm"), name)

    def in_service(self) -> dict[str, str] | None:
        """Return the record of what the endpoint serves; None where there is none."""
        text = self.parameter(in_service_parameter(self.name))
        return None if text is None else json.loads(text)

    def has_registry(self) -> bool:
        """Tell whether the stage retrains, and so has a model package group."""
        group = registry_name(self.name)
        groups = self.client("sagemaker").list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
        return any(known["ModelPackageGroupName"] == group for known in groups)

    def state_machine(self, name: str) -> str:
        """Return the ARN of the state machine of this name.

        Raises:
            OperationError: there is none.
        """
        for page in self.client("stepfunctions").get_paginator("list_state_machines").paginate():
            for machine in page["stateMachines"]:
                if machine["name"] == name:
                    return str(machine["stateMachineArn"])
        raise OperationError(
            f"there is no state machine {name!r} in this account and region: deploy stage {self.name!r} first"
        )

    def states(self, state_machine: str) -> dict[str, Any]:
        """Return the states of a state machine's definition, given its ARN."""
        described = self.client("stepfunctions").describe_state_machine(stateMachineArn=state_machine)
        states: dict[str, Any] = json.loads(described["definition"])["States"]
        return states

    def content(self, uri: str) -> io.BytesIO:
        """Return the object at `s3://bucket/key`, in memory."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return io.BytesIO(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def _described(self, part: str) -> Mapping[str, object] | None:
        try:
            stacks = self.client("cloudformation").describe_stacks(StackName=self.stack(part))["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        [described] = cast("list[Mapping[str, object]]", stacks)
        return None if described.get("StackStatus") == "DELETE_COMPLETE" else described


def reason_of(cause: str) -> str:
    """Return SageMaker's own sentence, where the cause is a description of the job."""
    try:
        return str(json.loads(cause)["FailureReason"])
    except (KeyError, TypeError, ValueError):
        return cause
