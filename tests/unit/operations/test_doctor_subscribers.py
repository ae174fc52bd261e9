from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations.doctor.subscribers import alarms_are_heard
from operations.stage import DeployedStage

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
CONFIRMED = f"{TOPIC}:11111111-2222-3333-4444-555555555555"


def stage(*subscriptions: str, outputs: bool = True) -> DeployedStage:
    """A stage whose stack has an output of the topic, and whose topic has subscriptions of these ARNs, two a page."""
    clients: dict[str, Any] = {
        name: boto3.client(name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
        for name in ("cloudformation", "sns")
    }
    stack = {
        "StackName": "TopicModel-dev-Data",
        "CreationTime": "2026-01-01T00:00:00Z",
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": "AlarmTopic", "OutputValue": TOPIC}] if outputs else [],
    }
    stub = Stubber(clients["cloudformation"])
    stub.add_response("describe_stacks", {"Stacks": [stack]})
    stub.activate()
    stub = Stubber(clients["sns"])
    pages = [subscriptions[at : at + 2] for at in range(0, max(1, len(subscriptions)), 2)]
    for number, page in enumerate(pages):
        answer: dict[str, object] = {"Subscriptions": [{"SubscriptionArn": arn, "TopicArn": TOPIC} for arn in page]}
        if number + 1 < len(pages):
            answer["NextToken"] = "more"
        stub.add_response("list_subscriptions_by_topic", answer)
    stub.activate()
    return DeployedStage("dev", lambda service: clients[service])


def test_a_confirmed_subscription_of_any_page_is_good() -> None:
    answer = alarms_are_heard(stage("PendingConfirmation", "PendingConfirmation", CONFIRMED), must=True)

    assert answer.outcome == "good"
    assert "1 confirmed subscriptions, and 2 that are not" in answer.says


@pytest.mark.parametrize(("must", "outcome"), [(True, "bad"), (False, "unknown")])
def test_nobody_is_told_and_is_bad_where_the_stage_is_hardened(must: bool, outcome: str) -> None:
    answer = alarms_are_heard(stage("PendingConfirmation"), must=must)

    assert answer.outcome == outcome
    assert "nobody hears" in answer.says


def test_a_stage_of_an_earlier_release_is_not_judged() -> None:
    assert alarms_are_heard(stage(outputs=False), must=True).outcome == "unknown"
