from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from operations.errors import OperationError
from operations.stage import DeployedStage


def asked(service: str, operation: str, answer: dict[str, object] | str) -> DeployedStage:
    """A stage whose service answers one operation, by botocore's own model of the answer, or refuses with a code."""
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    stub = Stubber(client)
    if isinstance(answer, str):
        stub.add_client_error(operation, service_error_code=answer, service_message="not for you")
    else:
        stub.add_response(operation, answer)
    stub.activate()
    return DeployedStage("dev", {service: client}.__getitem__)


def test_a_stage_that_may_not_be_asked_is_not_said_to_be_missing() -> None:
    with pytest.raises(ClientError, match="not for you"):
        asked("cloudformation", "describe_stacks", "AccessDenied").outputs("Data")


def test_a_stack_that_is_deleted_by_now_is_none() -> None:
    deleted = {"StackName": "TopicModel-dev-Data", "CreationTime": "2026-01-01", "StackStatus": "DELETE_COMPLETE"}
    stage = asked("cloudformation", "describe_stacks", {"Stacks": [deleted]})

    with pytest.raises(OperationError, match="there is no stack TopicModel-dev-Data in this account and region"):
        stage.outputs("Data")


def test_what_is_in_service_is_none_where_nobody_says_it() -> None:
    assert asked("ssm", "get_parameter", "ParameterNotFound").in_service() is None


def test_a_state_machine_that_is_not_there_is_a_sentence() -> None:
    stage = asked("stepfunctions", "list_state_machines", {"stateMachines": []})

    with pytest.raises(OperationError, match=r"no state machine 'x' in this account and region: deploy stage 'dev'"):
        stage.state_machine("x")


def test_a_service_has_one_client() -> None:
    made: list[str] = []
    stage = DeployedStage("dev", made.append)

    stage.client("s3")
    stage.client("s3")

    assert made == ["s3"]
