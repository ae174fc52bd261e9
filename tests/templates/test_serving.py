from __future__ import annotations

import pytest
from aws_cdk.assertions import Match

from rules.engine import check_all
from rules.model import Template as RulesTemplate
from tests.templates.conftest import Synthesize, Templates

from deployment_functions.model_fields import FIELDS


def test_serving_reads_the_approved_model_and_never_a_candidate(dev: Templates) -> None:
    parameters = dev["serving"].find_parameters("*", {})
    read = {
        name: (parameter["Type"], parameter["Default"])
        for name, parameter in parameters.items()
        if parameter["Type"].startswith("AWS::SSM::Parameter")
        and name != "BootstrapVersion"
        and not parameter["Default"].startswith("/topic-model-data/dev/")
    }

    assert read == {"ApprovedModel": ("AWS::SSM::Parameter::Value<List<String>>", "/topic-model/dev/approved/model")}
    assert "candidate" not in str(dev["serving"].to_json())


def test_each_field_is_taken_from_its_place_in_the_record(dev: Templates) -> None:
    dev["serving"].has_resource_properties(
        "Custom::ApprovedModel",
        {"Model": {field: {"Fn::Select": [place, {"Ref": "ApprovedModel"}]} for place, field in enumerate(FIELDS)}},
    )


def test_models_and_endpoint_configs_bear_no_name_so_that_they_can_be_replaced(dev: Templates) -> None:
    dev["serving"].all_resources_properties("AWS::SageMaker::Model", {"ModelName": Match.absent()})
    dev["serving"].all_resources_properties("AWS::SageMaker::EndpointConfig", {"EndpointConfigName": Match.absent()})


def test_the_endpoint_keeps_its_name_and_the_size_that_scaling_gave(dev: Templates) -> None:
    dev["serving"].has_resource_properties(
        "AWS::SageMaker::Endpoint",
        {
            "EndpointName": "topic-model-dev",
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": Match.absent(),
        },
    )


def test_the_model_runs_without_a_network(dev: Templates) -> None:
    dev["serving"].all_resources_properties("AWS::SageMaker::Model", {"EnableNetworkIsolation": True})


def test_the_endpoint_scales_between_its_bounds_under_the_services_own_role(dev: Templates) -> None:
    dev["serving"].has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 1,
            "MaxCapacity": 4,
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "RoleARN": Match.absent(),
        },
    )
    dev["serving"].resource_properties_count_is(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": {
                "Statement": [{"Principal": {"Service": "application-autoscaling.amazonaws.com"}}]
            }
        },
        0,
    )


def test_a_fleet_of_fixed_size_is_not_scaled(synthesize: Synthesize) -> None:
    fixed = synthesize({"endpoint": {"min_instances": 2, "max_instances": 2}})

    fixed["serving"].resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)


def test_a_fleet_of_fixed_size_has_the_size_of_its_settings_after_each_update(synthesize: Synthesize) -> None:
    fixed = synthesize({"endpoint": {"min_instances": 2, "max_instances": 2}})

    fixed["serving"].all_resources_properties(
        "AWS::SageMaker::Endpoint", {"RetainAllVariantProperties": Match.absent()}
    )


def test_endpoint_storage_is_under_the_stages_key(dev: Templates) -> None:
    dev["serving"].all_resources_properties("AWS::SageMaker::EndpointConfig", {"KmsKeyId": Match.any_value()})


def test_a_host_with_disks_of_its_own_is_given_no_key_since_it_refuses_one(synthesize: Synthesize) -> None:
    nvme = synthesize({"endpoint": {"instance_type": "ml.m5d.large"}})

    nvme["serving"].all_resources_properties("AWS::SageMaker::EndpointConfig", {"KmsKeyId": Match.absent()})


def test_the_url_is_on_an_alias_and_asks_for_signed_requests(dev: Templates) -> None:
    dev["serving"].has_resource_properties("AWS::Lambda::Url", {"AuthType": "AWS_IAM", "Qualifier": "live"})
    invokers = [
        permission["Properties"]["Principal"]
        for permission in dev["serving"].find_resources("AWS::Lambda::Permission").values()
    ]
    assert invokers == ["events.amazonaws.com"]


def test_the_url_is_open_only_where_a_setting_says_so_and_bounded_then(synthesize: Synthesize) -> None:
    reason = "A public demonstration, for one week"
    opened = synthesize({"url": {"auth": "NONE", "reserved_concurrency": 20, "open_because": reason}})

    opened["serving"].has_resource(
        "AWS::Lambda::Url",
        {
            "Properties": {"AuthType": "NONE"},
            "Metadata": {"checkov": {"skip": [{"id": "CKV_AWS_258", "comment": reason}]}},
        },
    )
    opened["serving"].has_resource_properties("AWS::Lambda::Function", {"ReservedConcurrentExecutions": 20})


def test_named_callers_may_call_the_url_and_nothing_more(synthesize: Synthesize) -> None:
    callers = ["arn:aws:iam::111122223333:role/team/app", "444455556666"]
    named = synthesize({"url": {"callers": callers}})["serving"]

    granted = [
        permission["Properties"]
        for permission in named.find_resources("AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] != "events.amazonaws.com"
    ]
    [url] = named.find_resources("AWS::Lambda::Url").values()
    alias = {"Ref": next(iter(named.find_resources("AWS::Lambda::Alias")))}
    assert url["Properties"]["AuthType"] == "AWS_IAM"
    assert sorted(granted, key=str) == sorted(
        [
            {"Action": action, "FunctionName": alias, "Principal": caller, **condition}
            for caller in callers
            for action, condition in (
                ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "AWS_IAM"}),
                ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
            )
        ],
        key=str,
    )


@pytest.mark.parametrize(
    "url",
    [
        {"callers": ["arn:aws:iam::111122223333:role/team/app"], "cors": {"origins": ["https://app.example.com"]}},
        {"auth": "NONE", "reserved_concurrency": 20, "open_because": "A public demonstration, for one week"},
    ],
)
def test_a_url_for_others_breaks_no_rule(synthesize: Synthesize, url: dict[str, object]) -> None:
    template = synthesize({"url": url})["serving"].to_json()

    assert check_all([RulesTemplate("TopicModel-dev-Serving", template)]) == []


def test_web_pages_may_call_from_the_named_origins_alone(synthesize: Synthesize, dev: Templates) -> None:
    origins = ["https://app.example.com", "http://localhost:5173"]
    named = synthesize({"url": {"cors": {"origins": origins}}})["serving"]

    [url] = named.find_resources("AWS::Lambda::Url").values()
    cors = url["Properties"]["Cors"]
    assert (cors["AllowOrigins"], cors["AllowMethods"], cors["AllowCredentials"]) == (origins, ["GET", "POST"], False)
    assert {"authorization", "content-type", "x-amz-date", "x-amz-security-token"} <= set(cors["AllowHeaders"])
    assert {"retry-after", "x-corpus-version", "x-model-version"} <= set(cors["ExposeHeaders"])
    dev["serving"].has_resource_properties("AWS::Lambda::Url", {"Cors": Match.absent()})


def test_the_function_splits_what_a_serverless_endpoint_would_refuse(synthesize: Synthesize, dev: Templates) -> None:
    serverless = synthesize({"endpoint": {"serverless": {}}})["serving"]
    handler = {"Handler": "topics_function.handler.handle"}

    serverless.has_resource_properties(
        "AWS::Lambda::Function", {**handler, "Environment": {"Variables": {"MAX_PAYLOAD_BYTES": "4194304"}}}
    )
    dev["serving"].has_resource_properties(
        "AWS::Lambda::Function", {**handler, "Environment": {"Variables": {"MAX_PAYLOAD_BYTES": Match.absent()}}}
    )


def test_nothing_in_the_functions_environment_varies_with_the_model(dev: Templates) -> None:
    [function] = (
        dev["serving"]
        .find_resources("AWS::Lambda::Function", {"Properties": {"Handler": "topics_function.handler.handle"}})
        .values()
    )

    assert "Approved" not in str(function["Properties"]["Environment"])


def test_what_is_in_service_is_written_only_when_the_endpoint_serves_it(dev: Templates) -> None:
    dev["serving"].has_resource(
        "AWS::SSM::Parameter",
        {
            "Properties": {"Name": "/topic-model/dev/in-service"},
            "DependsOn": [Match.string_like_regexp("^ApprovalGuardRestorerRolledOut")],
        },
    )
    dev["serving"].has_resource(
        "Custom::RolledOutEndpoint",
        {
            "Properties": {"EndpointConfig": Match.object_like({"Fn::GetAtt": Match.any_value()})},
            "DependsOn": Match.array_with([Match.string_like_regexp("^HostingEndpoint")]),
        },
    )


def test_the_model_waits_for_the_guard_that_puts_the_approval_back(dev: Templates) -> None:
    dev["serving"].has_resource(
        "AWS::SageMaker::Model",
        {"DependsOn": Match.array_with([Match.string_like_regexp("^ApprovalGuardRestorerApproval")])},
    )


def test_a_schedule_starts_the_transform_and_lets_its_model_read_the_corpus(synthesize: Synthesize) -> None:
    scheduled = synthesize({"transform": {"schedule": "cron(0 3 ? * SUN *)"}})["serving"]
    scheduled.has_resource_properties(
        "AWS::Events::Rule",
        {
            "ScheduleExpression": "cron(0 3 ? * SUN *)",
            "Targets": [
                Match.object_like(
                    {
                        "Arn": {"Ref": Match.string_like_regexp("TransformStateMachine")},
                        "Input": "{}",
                        "DeadLetterConfig": Match.any_value(),
                    }
                )
            ],
        },
    )
    policies = scheduled.find_resources("AWS::IAM::ManagedPolicy")
    [starts] = [body["Properties"]["PolicyDocument"]["Statement"] for name, body in policies.items()
                if name.startswith("TransformScheduleRole")]  # fmt: skip
    [reads] = [str(body) for name, body in policies.items() if name.startswith("TransformModelRole")]

    assert [statement["Action"] for statement in starts] == ["states:StartExecution"]
    assert "/corpora/*" in reads


def test_without_a_schedule_the_transforms_model_reads_no_corpus(dev: Templates) -> None:
    policies = dev["serving"].find_resources("AWS::IAM::ManagedPolicy")
    [reads] = [str(body) for name, body in policies.items() if name.startswith("TransformModelRole")]

    assert "corpora" not in reads


def test_hosts_cannot_make_the_endpoints_log_group_again_after_a_destroy(dev: Templates) -> None:
    policies = dev["serving"].find_resources("AWS::IAM::ManagedPolicy")
    [hosts] = [body["Properties"] for name, body in policies.items() if name.startswith("HostedRoleRights")]

    assert "logs:PutLogEvents" in str(hosts["PolicyDocument"])
    assert "logs:CreateLogGroup" not in str(hosts["PolicyDocument"])
