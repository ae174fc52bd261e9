"""What CloudFormation refuses of a template by itself."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.cloudformation.templates import parameters_problem, problems

QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue"}


def named(value: Any) -> dict[str, Any]:
    return {"Q": {**QUEUE, "Properties": {"QueueName": value}}}


def problem(template: dict[str, Any], **conditions: bool) -> str:
    return next(problems(template, conditions), "")


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "AWS::Region"},
        {"Ref": "P"},
        {"Fn::GetAtt": ["T", "TopicName"]},
        {"Fn::GetAtt": "T.TopicName"},
        {"Fn::GetAtt": ["T", {"Ref": "P"}]},
        {"Fn::GetAtt": ["Own", "Whatever"]},
        {"Fn::GetAtt": "Bucket.MetadataConfiguration.JournalTableConfiguration.TableArn"},
        {"Fn::Sub": "${AWS::StackName}-${T}-${T.TopicName}-${!Shell}"},
        {"Fn::Sub": ["${Own}-${T}", {"Own": {"Ref": "P"}}]},
        {"Fn::If": ["Is", {"Ref": "P"}, {"Ref": "AWS::NoValue"}]},
        {"Ref": "no function", "beside": "another member"},
    ],
)
def test_what_names_something_is_taken(value: Any) -> None:
    others = {"T": "AWS::SNS::Topic", "Own": "Custom::Own", "Bucket": "AWS::S3::Bucket"}
    resources = {**named(value), **{name: {"Type": kind} for name, kind in others.items()}}
    template = {
        "Resources": resources,
        "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<List<String>>"}},
        "Conditions": {"Is": {"Fn::Equals": ["a", {"Ref": "P"}]}, "Not": {"Fn::Not": [{"Condition": "Is"}]}},
        "Outputs": {"O": {"Value": {"Ref": "Q"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:q"}}}},
    }

    assert not problem(template)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Ref": "X"}, "Unresolved resource dependencies [X] in the Resources block"),
        ({"Ref": "AWS::Zone"}, "Unresolved resource dependencies [AWS::Zone]"),
        ({"Fn::Join": ["-", ["a", {"Fn::Sub": "${X}"}]]}, "Unresolved resource dependencies [X]"),
        ({"Fn::Sub": ["${Own}", {"Own": {"Ref": "X"}}]}, "Unresolved resource dependencies [X]"),
        ({"Fn::Sub": "${X.Arn}"}, "Fn::Sub references invalid resource attribute X.Arn"),
        ({"Fn::GetAtt": "X.Arn"}, "Fn::GetAtt references undefined resource X"),
        ({"Fn::GetAtt": "T.Arn"}, "resource T does not support attribute type Arn in Fn::GetAtt"),
        ({"Fn::GetAtt": ["T", "Topic"]}, "resource T does not support attribute type Topic in Fn::GetAtt"),
        ({"Fn::Sub": "${T.Arn}"}, "Fn::Sub references invalid resource attribute T.Arn"),
        ({"Fn::If": ["Is", "a", "b"]}, "Unresolved condition dependency Is in the Resources block"),
        ({"Ref": "Q"}, "Circular dependency between resources: [Q]"),
    ],
)
def test_what_names_nothing_is_refused(value: Any, told: str) -> None:
    assert told in problem({"Resources": {"T": {"Type": "AWS::SNS::Topic"}, **named(value)}})


def test_an_output_that_names_nothing_is_refused() -> None:
    template = {"Resources": {"Q": QUEUE}, "Outputs": {"O": {"Value": {"Ref": "X"}}}}

    assert "Unresolved resource dependencies [X] in the Outputs block" in problem(template)


def test_a_dependency_on_nothing_is_refused() -> None:
    assert "Unresolved resource dependencies [X]" in problem({"Resources": {"Q": {**QUEUE, "DependsOn": ["X"]}}})


def test_a_condition_that_names_an_undefined_one_is_refused() -> None:
    template = {"Resources": {"Q": QUEUE}, "Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}}}

    assert "Unresolved condition dependency B in the Conditions block" in problem(template)


@pytest.mark.parametrize(("holds", "refused"), [(True, False), (False, True)])
def test_a_resource_that_its_condition_leaves_out_cannot_be_named(holds: bool, refused: bool) -> None:
    resources = {**named({"Ref": "T"}), "T": {"Type": "AWS::SNS::Topic", "Condition": "Is"}}
    template = {"Resources": resources, "Conditions": {"Is": {"Fn::Equals": ["a", "b"]}}}

    assert bool(problem(template, Is=holds)) is refused


def test_a_branch_that_is_not_taken_may_name_what_is_left_out() -> None:
    resources = {**named({"Fn::If": ["Is", {"Ref": "T"}, "a"]}), "T": {"Type": "AWS::SNS::Topic", "Condition": "Is"}}

    assert not problem({"Resources": resources, "Conditions": {"Is": {"Fn::Equals": ["a", "b"]}}}, Is=False)


def test_a_longer_circle_is_named_whole() -> None:
    resources = {
        "A": {**QUEUE, "DependsOn": ["B", "D"]},
        "B": {**QUEUE, "Properties": {"QueueName": {"Fn::Sub": "${C.QueueName}"}}},
        "C": {**QUEUE, "Metadata": {"Of": {"Ref": "A"}}},
        "D": QUEUE,
    }

    assert problem({"Resources": resources}) == "Circular dependency between resources: [A, B, C]"


@pytest.mark.parametrize(
    ("provided", "told"),
    [
        ({"A"}, "Parameters: [B] must have values"),
        ({"A", "B", "X", "Y"}, "Parameters: [X, Y] do not exist in the template"),
        ({"A", "B"}, ""),
    ],
)
def test_each_parameter_without_a_default_is_given_and_no_other(provided: set[str], told: str) -> None:
    declared = {"A": {"Type": "String"}, "B": {"Type": "String"}, "C": {"Type": "String", "Default": ""}}

    assert parameters_problem(declared, provided) == told
