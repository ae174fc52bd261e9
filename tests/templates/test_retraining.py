from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from aws_cdk.assertions import Match
from pydantic import ValidationError

from local_cloud.cloudformation.resource_schemas import resource_schemas
from rules.engine import check_all
from rules.identity import Statement, statements
from rules.model import Template, items, mapping
from stacks.settings.stage import RetrainingSettings
from tests.combinations.assembly import Assembly
from tests.combinations.closures import beyond_the_boundary
from tests.templates.conftest import Synthesize, Templates, build
from tests.templates.test_statements import flat

from deployment_functions.pipeline import pipeline_begin
from deployment_functions.retrainings import promotion, retraining_check, retraining_gate

RETRAINS: dict[str, object] = {"retraining": {"schedule": "cron(0 3 ? * SUN *)"}}
ROLE = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/TopicModel-dev-Serving-*"
POLICY_CHARS = 6144
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@pytest.fixture(scope="module")
def retraining(synthesize: Synthesize) -> Templates:
    """The dev stage with retraining on."""
    return synthesize(RETRAINS)


@pytest.fixture(scope="module")
def hardened(corpus_folder: Path) -> Templates:
    """The prod stage with retraining on."""
    return build(corpus_folder, RETRAINS, stage="prod")


def of_role(templates: Templates, part: str, role: str) -> list[Statement]:
    """The statements of the policies of the role whose logical id begins so."""
    template = Template(part, templates[part].to_json())
    policies = {
        policy.logical_id
        for policy in template.resources("AWS::IAM::ManagedPolicy")
        if any(str(mapping(held).get("Ref", "")).startswith(role) for held in items(policy.get("Roles")))
    }
    return [statement for statement in statements(template) if statement.logical_id in policies]


def resources(statement: Statement) -> list[str]:
    return [flat(resource) for resource in items(statement.body.get("Resource"))]


def covers(pattern: str, resource: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), resource) is not None


def about(found: list[Statement], action: str) -> list[Statement]:
    return [statement for statement in found if action in statement.actions]


def test_a_stage_that_does_not_retrain_has_nothing_of_it_but_the_boundary(dev: Templates) -> None:
    for part, template in dev.items():
        for logical_id, resource in template.to_json()["Resources"].items():
            assert "Retraining" not in logical_id.replace("RetrainingServingBoundary", ""), part
            assert "PermissionsBoundary" not in resource.get("Properties", {}), part
        assert not template.find_resources("AWS::SageMaker::ModelPackageGroup")
    [machine] = dev["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    read_corpus = json.loads(machine["Properties"]["DefinitionString"])["States"]["ReadCorpus"]
    assert "input.$" not in read_corpus["Parameters"]["Payload"]


def boundary(templates: Templates) -> tuple[str, str]:
    """The logical id and the name of the boundary of the serving stack's roles."""
    [(logical_id, policy)] = [
        (name, policy)
        for name, policy in templates["training"].find_resources("AWS::IAM::ManagedPolicy").items()
        if "serving-boundary" in flat(policy["Properties"].get("ManagedPolicyName", ""))
    ]
    return logical_id, flat(policy["Properties"]["ManagedPolicyName"])


def test_the_boundary_outlives_the_setting_as_the_roles_in_it_are_updated_after_it(
    dev: Templates, retraining: Templates
) -> None:
    assert boundary(dev) == boundary(retraining)


def test_no_export_of_captured_requests_is_in_use_so_that_capture_can_be_turned_off(hardened: Templates) -> None:
    training = hardened["training"].to_json()

    assert "Fn::ImportValue" not in json.dumps(training)
    assert not [name for name in training["Parameters"] if "Captur" in name]


@pytest.mark.parametrize(
    ("settings", "rights"),
    [
        ({"similar": {}}, {"lambda:InvokeFunction"}),
        (
            {"similar": {"store": "s3-vectors"}},
            {"lambda:InvokeFunction", "s3vectors:GetVectors", "s3vectors:QueryVectors"},
        ),
        ({"transform": {"schedule": "rate(7 days)"}}, {"states:StartExecution"}),
    ],
    ids=["similar", "s3-vectors", "schedule"],
)
def test_the_boundary_has_a_right_only_where_the_setting_that_takes_it_is_on(
    corpus_folder: Path, retraining: Templates, asset: Path, settings: dict[str, object], rights: set[str]
) -> None:
    def allowed(templates: Templates) -> set[str]:
        training = Template("training", templates["training"].to_json())
        return {
            action
            for each in statements(training)
            if each.logical_id.startswith("RetrainingServingBoundary")
            for action in each.actions
        }

    assert allowed(build(corpus_folder, RETRAINS | settings)) - allowed(retraining) == rights


def test_the_serving_stacks_role_makes_what_the_settings_put_in_and_removes_what_they_may_have(
    corpus_folder: Path, retraining: Templates, asset: Path
) -> None:
    similar = build(corpus_folder, RETRAINS | {"similar": {"store": "s3-vectors"}})
    for action, making in (
        ("lambda:CreateFunction", True),
        ("lambda:DeleteFunction", False),
        ("s3vectors:CreateIndex", True),
        ("s3vectors:DeleteIndex", False),
    ):
        for templates, is_on in ((retraining, False), (similar, True)):
            on = [
                resource
                for each in about(of_role(templates, "training", "RetrainingServingRole"), action)
                for resource in resources(each)
                if "-similar" in resource or "s3vectors" in resource
            ]
            assert bool(on) == (is_on or not making), action


def test_retraining_adds_resources_and_changes_no_model_that_is_trained(dev: Templates, retraining: Templates) -> None:
    for part, template in dev.items():
        assert template.to_json()["Resources"].keys() <= retraining[part].to_json()["Resources"].keys()
    [before] = dev["training"].find_resources("Custom::TrainedModel").values()
    [after] = retraining["training"].find_resources("Custom::TrainedModel").values()
    assert before["Properties"] == after["Properties"]


@pytest.mark.parametrize("function", [pipeline_begin, promotion, retraining_check, retraining_gate])
def test_the_stack_tells_a_function_every_setting_that_it_reads(retraining: Templates, function: ModuleType) -> None:
    [declared] = (
        retraining["training"]
        .find_resources("AWS::Lambda::Function", {"Properties": {"Handler": f"{function.__name__}.handle"}})
        .values()
    )

    read = {field.name.upper() for field in fields(function.Settings)}
    assert read <= declared["Properties"]["Environment"]["Variables"].keys()


def test_the_schedule_starts_the_retraining_and_loses_no_event(retraining: Templates) -> None:
    retraining["training"].has_resource_properties(
        "AWS::Events::Rule",
        {
            "ScheduleExpression": "cron(0 3 ? * SUN *)",
            "Targets": [
                {
                    "Arn": {"Ref": Match.string_like_regexp("RetrainingStateMachine")},
                    "RoleArn": {"Fn::GetAtt": [Match.string_like_regexp("RetrainingStarterRole"), "Arn"]},
                    "DeadLetterConfig": Match.any_value(),
                }
            ],
        },
    )


def test_the_pointer_names_the_deployed_corpus_once_that_is_there(retraining: Templates) -> None:
    [parameter] = [
        resource
        for resource in retraining["data"].find_resources("AWS::SSM::Parameter").values()
        if resource["Properties"]["Name"] == "/topic-model/dev/newest-corpus"
    ]
    [model] = retraining["training"].find_resources("Custom::TrainedModel").values()

    assert parameter["Properties"]["Value"] == model["Properties"]["CorpusHash"]
    assert any(name.startswith("CorpusUpload") for name in parameter["DependsOn"])


def test_the_promoter_may_update_one_stack_with_one_role_and_pass_no_other(retraining: Templates) -> None:
    found = of_role(retraining, "training", "RetrainingPromoteRole")
    [update], [passing] = about(found, "cloudformation:UpdateStack"), about(found, "iam:PassRole")
    [role] = resources(passing)

    assert resources(update) == [
        "arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/TopicModel-dev-Serving/*"
    ]
    assert [flat(value) for value in update.condition["StringEquals"].values()] == [role]  # type: ignore[union-attr]
    assert list(mapping(update.condition["StringEquals"])) == ["cloudformation:RoleArn"]
    assert passing.condition == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    assert role.startswith("<RetrainingServingRole")
    assert {action for statement in found for action in statement.actions if action.startswith("sagemaker:")} == {
        "sagemaker:UpdateModelPackage"
    }


def test_the_bootstraps_deploy_role_may_pass_the_serving_stacks_role_and_gains_nothing_else(
    retraining: Templates,
) -> None:
    template = Template("training", retraining["training"].to_json())
    [policy] = [
        policy
        for policy in template.resources("AWS::IAM::ManagedPolicy")
        if "deploy-role" in flat(items(policy.get("Roles"))[0] if items(policy.get("Roles")) else "")
    ]
    [statement] = [each for each in statements(template) if each.logical_id == policy.logical_id]

    assert statement.actions == ["iam:PassRole"]
    assert resources(statement)[0].startswith("<RetrainingServingRole")
    assert statement.condition == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_the_serving_stacks_role_makes_roles_of_that_stack_only_and_only_within_their_boundary(
    retraining: Templates,
) -> None:
    found = of_role(retraining, "training", "RetrainingServingRole")
    writing = [
        statement
        for statement in found
        for action in statement.actions
        if action.startswith("iam:") and not action.startswith(("iam:CreateServiceLinkedRole", "iam:Get", "iam:List"))
    ]

    for statement in writing:
        assert all(":role/TopicModel-dev-Serving-*" in each or ":policy/TopicModel-dev-Serving-*" in each
                   for each in resources(statement))  # fmt: skip
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary"):
        [statement] = about(found, action)
        assert "iam:PermissionsBoundary" in mapping(statement.condition["StringEquals"])
    assert not about(found, "iam:DeleteRolePermissionsBoundary")
    [attach] = about(found, "iam:AttachRolePolicy")
    assert ":policy/TopicModel-dev-Serving-*" in flat(mapping(attach.condition["ArnLike"])["iam:PolicyARN"])
    [passing] = about(found, "iam:PassRole")
    assert resources(passing) == [ROLE]
    [linking] = about(found, "iam:CreateServiceLinkedRole")
    assert [each.rpartition("/")[2] for each in resources(linking)] == [
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    ]
    services = mapping(passing.condition["StringEquals"])["iam:PassedToService"]
    assert services == [
        "events.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com", "states.amazonaws.com",
    ]  # fmt: skip


@pytest.mark.parametrize("stage", ["retraining", "hardened"])
def test_every_role_of_the_serving_stack_has_the_boundary(stage: str, request: pytest.FixtureRequest) -> None:
    templates: Templates = request.getfixturevalue(stage)

    for role in templates["serving"].find_resources("AWS::IAM::Role").values():
        assert "serving-boundary" in flat(role["Properties"]["PermissionsBoundary"])


@pytest.mark.parametrize("stage", ["retraining", "hardened"])
def test_the_boundary_leaves_every_role_of_the_serving_stack_what_its_policies_allow(
    stage: str, request: pytest.FixtureRequest
) -> None:
    """Evaluated from the templates: one that gains a right beyond the boundary would be denied it on AWS."""
    templates: Templates = request.getfixturevalue(stage)
    name = {"retraining": "dev", "hardened": "prod"}[stage]
    assembly = Assembly(name, {part: template.to_json() for part, template in templates.items()})

    assert sorted(beyond_the_boundary(assembly)) == []


@pytest.mark.parametrize("stage", ["retraining", "hardened"])
def test_what_each_type_of_a_stage_takes_is_known_and_held_in_the_local_cloud(
    stage: str, request: pytest.FixtureRequest
) -> None:
    templates: Templates = request.getfixturevalue(stage)
    types = {each["Type"] for template in templates.values() for each in template.to_json()["Resources"].values()}

    assert {kind for kind in types if not kind.startswith("Custom::")} <= resource_schemas().keys()


@pytest.mark.parametrize("stage", ["retraining", "hardened"])
def test_no_policy_is_longer_than_iam_takes(stage: str, request: pytest.FixtureRequest) -> None:
    templates: Templates = request.getfixturevalue(stage)

    for policy in templates["training"].find_resources("AWS::IAM::ManagedPolicy").values():
        text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
        assert len(text) <= POLICY_CHARS


def test_the_retrainings_role_allows_what_its_states_call_and_no_more(retraining: Templates) -> None:
    """Evaluated from the template, since the local cloud does not hold the role to it."""
    [machine] = [
        each
        for each in retraining["training"].find_resources("AWS::StepFunctions::StateMachine").values()
        if each["Properties"]["StateMachineName"] == "topic-model-dev-retraining"
    ]
    given = machine["Properties"]["DefinitionSubstitutions"]
    calls = set()
    for state in json.loads(machine["Properties"]["DefinitionString"])["States"].values():
        action, target = {
            "lambda:invoke": ("lambda:InvokeFunction", "FunctionName"),
            "states:startExecution.sync:2": ("states:StartExecution", "StateMachineArn"),
            "sns:publish": ("sns:Publish", "TopicArn"),
            "": ("", ""),
        }[str(state.get("Resource", "")).partition(":states:::")[2]]
        if action:
            calls.add((action, flat(given[state["Parameters"][target].strip("${}")])))
    allowed = {
        (action, resource)
        for statement in of_role(retraining, "training", "RetrainingRole")
        for action in statement.actions
        for resource in resources(statement)
        if action in {"lambda:InvokeFunction", "states:StartExecution", "sns:Publish"}
    }

    assert calls == allowed
    assert len(calls) == 5


def test_a_failure_anywhere_is_told_to_the_topic(retraining: Templates) -> None:
    [text] = [
        each["Properties"]["DefinitionString"]
        for each in retraining["training"].find_resources("AWS::StepFunctions::StateMachine").values()
        if each["Properties"]["StateMachineName"] == "topic-model-dev-retraining"
    ]
    states = json.loads(text)["States"]
    working = {name: state for name, state in states.items() if state["Type"] == "Task" and not name.startswith("Tell")}

    assert set(working) == {"IsOneDue", "Train", "Gate", "Promote", "Look"}
    for state in working.values():
        assert [(caught["ErrorEquals"], caught["Next"]) for caught in state["Catch"]] == [
            (["States.ALL"], "TellOfFailure")
        ]
    assert states["TellOfFailure"]["Next"] == "Failed"
    assert states["HowTheUpdateGoes"]["Default"] == "TellOfRollback"


def test_what_the_functions_of_a_retraining_call_gets_out_of_the_stages_own_network(hardened: Templates) -> None:
    allowed = {
        action
        for endpoint in hardened["data"].find_resources("AWS::EC2::VPCEndpoint").values()
        for statement in endpoint["Properties"]["PolicyDocument"]["Statement"]
        for action in items(statement["Action"])
    }
    for role in ("RetrainingCheckRole", "RetrainingGateRole", "RetrainingPromoteRole", "RetrainingEmptierRole"):
        called = {
            action
            for statement in of_role(hardened, "training", role)
            for action in statement.actions
            # CloudFormation reads the parameters itself, on the promoter's behalf.
            if action.startswith(("sagemaker:", "ssm:", "cloudformation:")) and action != "ssm:GetParameters"
        }
        assert called
        assert called <= allowed, role


def test_a_stage_that_retrains_breaks_no_rule(hardened: Templates) -> None:
    found = check_all([Template(part, template.to_json()) for part, template in hardened.items()])

    assert found == []


@pytest.mark.parametrize(
    "schedule", ["rate(1 days)", "rate(0 days)", "weekly", "cron(0 3 * *)", "rate(7 days) ", "rate(-1 days)"]
)
def test_a_schedule_that_eventbridge_would_refuse_is_refused(schedule: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        RetrainingSettings(schedule=schedule)
