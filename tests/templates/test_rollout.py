from __future__ import annotations

import pytest
from aws_cdk.assertions import Match

from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.templates.conftest import Synthesize, Templates


def policy(templates: Templates) -> dict[str, object]:
    """How the endpoint exchanges its model."""
    [endpoint] = templates["serving"].find_resources("AWS::SageMaker::Endpoint").values()
    config = endpoint["Properties"]["DeploymentConfig"]
    assert isinstance(config, dict)
    return config


@pytest.mark.parametrize(
    ("strategy", "routing"),
    [
        ("all_at_once", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300}),
        (
            "canary",
            {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": 300,
            },
        ),
        (
            "linear",
            {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": 300,
            },
        ),
    ],
)
def test_a_blue_green_rollout_moves_the_traffic_as_the_setting_says(
    synthesize: Synthesize, strategy: str, routing: dict[str, object]
) -> None:
    config = policy(synthesize({"rollout": {"strategy": strategy, "wait_s": 300}}))

    blue_green = config["BlueGreenUpdatePolicy"]
    assert isinstance(blue_green, dict)
    assert blue_green["TrafficRoutingConfiguration"] == routing


def test_a_rolling_rollout_exchanges_the_fleet_in_batches(synthesize: Synthesize) -> None:
    config = policy(synthesize({"rollout": {"strategy": "rolling", "step_percent": 25, "wait_s": 60}}))

    assert "BlueGreenUpdatePolicy" not in config
    assert config["RollingUpdatePolicy"] == {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        "WaitIntervalInSeconds": 60,
        "MaximumExecutionTimeoutInSeconds": 7200,
    }


def test_errors_of_endpoint_and_url_and_latency_roll_a_model_back(dev: Templates) -> None:
    config = policy(dev)

    rollback = config["AutoRollbackConfiguration"]
    assert isinstance(rollback, dict)
    names = [alarm["AlarmName"]["Ref"] for alarm in rollback["Alarms"]]
    alarms = dev["serving"].find_resources("AWS::CloudWatch::Alarm")
    assert {alarms[name]["Properties"]["MetricName"] for name in names} == {
        "Invocation5XXErrors",
        "ModelLatency",
        "Errors",
    }


def test_alarms_are_there_before_the_endpoint_and_tell_the_topic(dev: Templates) -> None:
    dev["serving"].all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [Match.any_value()]})
    dev["serving"].has_resource(
        "AWS::SageMaker::Endpoint",
        {"DependsOn": Match.array_with([Match.string_like_regexp("^RolloutAlarmsEndpointErrors")])},
    )


def test_a_serverless_endpoint_has_no_instances_no_scaling_and_the_same_name(
    dev: Templates, synthesize: Synthesize
) -> None:
    serverless = synthesize({"endpoint": {"serverless": {"memory_mb": 3072, "max_concurrency": 7}}})

    serverless["serving"].resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)
    serverless["serving"].has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "KmsKeyId": Match.absent(),
            "ProductionVariants": [
                {
                    "ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 7},
                    "InstanceType": Match.absent(),
                    "VariantName": "AllTraffic",
                }
            ],
        },
    )
    serverless["serving"].has_resource_properties("AWS::SageMaker::Model", {"EnableNetworkIsolation": Match.absent()})
    for templates in (dev, serverless):
        templates["serving"].has_resource_properties("AWS::SageMaker::Endpoint", {"EndpointName": "topic-model-dev"})


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"network": {"kind": "own"}}, "network.kind is own"),
        ({"capture": {}}, "capture is set"),
        ({"rollout": {"strategy": "rolling"}}, "rollout.strategy is rolling"),
    ],
)
def test_a_serverless_endpoint_is_refused_where_the_stage_asks_for_what_it_lacks(
    asked: dict[str, object], named: str
) -> None:
    with pytest.raises(SynthError, match=f"endpoint.serverless is set and {named}, but a serverless endpoint has no"):
        cdk_json.load({"dev": {"endpoint": {"serverless": {}}, **asked}}, stage="dev")


def test_a_linear_step_below_sagemakers_least_is_refused() -> None:
    with pytest.raises(SynthError, match="step_percent is 5, but a linear rollout's steps are 10 to 50 percent"):
        cdk_json.load({"dev": {"rollout": {"strategy": "linear", "step_percent": 5}}}, stage="dev")


def test_an_existing_vpc_is_named_by_its_ids_and_nothing_is_looked_up(synthesize: Synthesize) -> None:
    network = {"kind": "existing", "subnet_ids": ["subnet-0123abcd"], "security_group_ids": ["sg-0123abcd"]}

    templates = synthesize({"network": network})

    templates["data"].resource_count_is("AWS::EC2::VPC", 0)
    templates["serving"].all_resources_properties(
        "AWS::SageMaker::Model", {"VpcConfig": {"Subnets": ["subnet-0123abcd"], "SecurityGroupIds": ["sg-0123abcd"]}}
    )
    [machine] = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    assert machine["Properties"]["DefinitionSubstitutions"]["Subnet0"] == "subnet-0123abcd"


def test_where_a_training_runs_asks_for_no_new_training(dev: Templates, synthesize: Synthesize) -> None:
    own = synthesize({"network": {"kind": "own"}})

    [before] = dev["training"].find_resources("Custom::TrainedModel").values()
    [after] = own["training"].find_resources("Custom::TrainedModel").values()
    assert before["Properties"]["DefinitionHash"] == after["Properties"]["DefinitionHash"]


@pytest.mark.parametrize("watched", [True, False])
def test_the_hosts_role_may_look_at_the_alarms_that_take_a_rollout_back_inside_its_boundary(
    synthesize: Synthesize, watched: bool
) -> None:
    templates = synthesize({"retraining": {}, "rollout": {"rollback_on_alarm": watched}})
    for part, policy in (("serving", "HostedRoleRights"), ("training", "RetrainingServingBoundary")):
        [rights] = [
            str(body["Properties"]["PolicyDocument"])
            for name, body in templates[part].find_resources("AWS::IAM::ManagedPolicy").items()
            if name.startswith(policy)
        ]
        assert ("cloudwatch:DescribeAlarms" in rights) is watched


def test_no_role_of_the_serving_stack_can_make_a_log_group_that_the_stack_declares(synthesize: Synthesize) -> None:
    policies = synthesize({"retraining": {}})["training"].find_resources("AWS::IAM::ManagedPolicy")
    [boundary] = [body for name, body in policies.items() if name.startswith("RetrainingServingBoundary")]
    statements = boundary["Properties"]["PolicyDocument"]["Statement"]

    [making] = [each for each in statements if "logs:CreateLogGroup" in each["Action"]]
    assert "TransformJobs" in str(making["Resource"])
    assert "Endpoints" not in str(making["Resource"])
    assert "-Serving" not in str(making["Resource"])
