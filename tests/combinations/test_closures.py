"""The closures find what they are there for: a right, a call or a way that is missing."""

from __future__ import annotations

from typing import Any

from tests.combinations.assembly import Assembly
from tests.combinations.calls import calls
from tests.combinations.closures import beyond, beyond_the_boundary, policies, without_a_way_to_answer


def policy(*actions: str, resource: str, roles: list[Any], **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    properties = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "Roles": roles, **more}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def assembly(training: dict[str, Any], serving: dict[str, Any], data: dict[str, Any] | None = None) -> Assembly:
    parts = {"data": data or {}, "training": training, "serving": serving}
    return Assembly("dev", {part: {"Resources": resources} for part, resources in parts.items()})


def test_a_role_that_may_not_remove_what_its_stack_has_is_found() -> None:
    topic = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}
    queue = "arn:aws:sqs:us-east-1:123456789012:jobs"
    actions = ["CreateQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "SetQueueAttributes"]
    narrow = policy(*(f"sqs:{action}" for action in actions), resource=queue, roles=["deploys"])
    made = assembly({"Rights": narrow}, {"Jobs": topic})
    [found] = beyond(made, made.made("serving", "Jobs"), policies(made, "deploys"))

    assert found == f"delete Jobs (AWS::SQS::Queue): sqs:DeleteQueue on {queue}"


def test_a_policy_that_goes_beyond_the_boundary_of_its_role_is_found() -> None:
    boundary = policy("s3:GetObject", resource="arn:aws:s3:::own/*", roles=[], ManagedPolicyName="bound")
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": "works", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/bound"},
    }
    within = policy("s3:GetObject", resource="arn:aws:s3:::own/corpora/*", roles=[{"Ref": "Works"}])
    beyond_it = policy("s3:PutObject", resource="arn:aws:s3:::own/*", roles=[{"Ref": "Works"}])
    made = assembly({"Bound": boundary}, {"Works": role, "Within": within, "Beyond": beyond_it})

    assert list(beyond_the_boundary(made)) == ["Works: s3:PutObject on arn:aws:s3:::own/*"]


def test_a_custom_resource_that_does_not_wait_for_its_way_to_s3_is_found() -> None:
    data: dict[str, Any] = {
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {}},
        "Rights": policy("s3:PutObject", resource="*", roles=["answers"]),
        "Answers": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "answers",
                "Role": "arn:aws:iam::123456789012:role/answers",
                "VpcConfig": {},
            },
        },
        "Asked": {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["Answers", "Arn"]}},
            "DependsOn": ["Rights"],
        },
    }
    assert list(without_a_way_to_answer(assembly({}, {}, data))) == ["Asked waits for no Table (AWS::EC2::RouteTable)"]
    data["Answers"]["DependsOn"] = ["Table"]
    assert not list(without_a_way_to_answer(assembly({}, {}, data)))


def test_the_operations_that_a_handler_comes_to_are_read_from_its_code() -> None:
    found = calls("deployment_functions.deploy.bucket_emptier.handle")
    actions = {action for call in found for action in call.actions}

    assert actions == {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"}
