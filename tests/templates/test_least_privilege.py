from __future__ import annotations

import pytest

from tests.templates.conftest import Templates

PARTS = ("data", "training", "serving")

WITHOUT_A_RESOURCE = {
    # https://docs.aws.amazon.com/service-authorization: these take no resource in their ARN
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
"""The actions that may stand on `*`."""


def statements(templates: Templates, part: str) -> list[dict[str, object]]:
    """Every statement of every policy that a role of a template has; a boundary by itself allows nothing."""
    policies = templates[part].find_resources("AWS::IAM::ManagedPolicy").values()
    return [
        statement
        for policy in policies
        if policy["Properties"].get("Roles")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def on_every_resource(templates: Templates, part: str) -> set[str]:
    """The actions that a template allows on all resources."""
    return {
        str(action)
        for statement in statements(templates, part)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }


@pytest.mark.parametrize("part", PARTS)
def test_no_role_has_a_policy_managed_by_aws(dev: Templates, part: str) -> None:
    for role in dev[part].find_resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


@pytest.mark.parametrize("part", PARTS)
def test_only_actions_that_take_no_resource_stand_on_every_resource(dev: Templates, part: str) -> None:
    assert on_every_resource(dev, part) <= WITHOUT_A_RESOURCE


@pytest.mark.parametrize("part", PARTS)
def test_no_statement_allows_every_action_of_a_service(dev: Templates, part: str) -> None:
    actions = {str(action) for statement in statements(dev, part) for action in listed(statement["Action"])}

    assert {action for action in actions if action.endswith(":*") or action == "*"} == set()


def test_the_pipeline_may_pass_only_the_training_role_and_only_to_sagemaker(dev: Templates) -> None:
    passing = [statement for statement in statements(dev, "training") if "iam:PassRole" in listed(statement["Action"])]

    assert len(passing) == 1
    assert passing[0]["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert str(passing[0]["Resource"]).count("TrainingRole") == 1


def test_the_url_function_may_ask_this_endpoint_and_read_words_and_topics_and_nothing_else(
    dev: Templates,
) -> None:
    policies = dev["serving"].find_resources("AWS::IAM::ManagedPolicy")
    [policy] = [policy for name, policy in policies.items() if name.startswith("TopicsRole")]
    allowed = [
        (sorted(map(str, listed(statement["Action"]))), str(statement["Resource"]))
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]

    assert [actions for actions, _ in allowed] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["kms:Decrypt"],
        ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
        ["ssm:GetParameter"],
        ["s3:GetObject"],
    ]
    resources = [resource for _, resource in allowed]
    assert "HostingEndpoint" in resources[2]
    assert "parameter/topic-model/dev/in-service" in resources[3]
    assert "corpora/*/vocabulary/*" in resources[4]
    assert "models/*/output/topics.json" in resources[4]
