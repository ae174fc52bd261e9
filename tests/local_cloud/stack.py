"""A CloudFormation stack of a test."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from tests.local_cloud.support import until


class Stack:
    """One stack of a test, followed to the end of each operation."""

    def __init__(self, cloudformation: Any, name: str) -> None:
        self._cloudformation = cloudformation
        self.name = name

    def create(self, template: dict[str, Any], **parameters: str) -> dict[str, Any]:
        self._cloudformation.create_stack(**self._request(template, parameters))
        return self.settled()

    def update(self, template: dict[str, Any], **parameters: str) -> dict[str, Any]:
        self._cloudformation.update_stack(**self._request(template, parameters))
        return self.settled()

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)
        until(lambda: not self._is_there())

    def settled(self, timeout_s: float = 40) -> dict[str, Any]:
        def described() -> dict[str, Any] | None:
            told: dict[str, Any] = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            return told if not told["StackStatus"].endswith("IN_PROGRESS") else None

        told: dict[str, Any] = until(described, timeout_s)
        return told

    def status(self) -> str:
        return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def outputs(self) -> dict[str, str]:
        told = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in told.get("Outputs", [])}

    def failures(self) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return [item["ResourceStatusReason"] for item in events if item["ResourceStatus"].endswith("_FAILED")]

    def _is_there(self) -> bool:
        try:
            return self.status() != "DELETE_COMPLETE"
        except ClientError:
            return False

    def _request(self, template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        return {
            "StackName": self.name,
            "TemplateBody": json.dumps(template),
            "Parameters": given,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
