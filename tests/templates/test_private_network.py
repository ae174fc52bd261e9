"""The stage's own VPC: what its functions reach, and what must outlive them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from stacks.settings.stage import OwnNetwork
from tests.templates.conftest import Synthesize, Templates


@pytest.fixture(scope="module")
def own(synthesize: Synthesize) -> Templates:
    return synthesize({"network": {"kind": "own"}})


def references(node: object) -> Iterator[str]:
    """Yield the logical ids that a part of a template refers to."""
    if isinstance(node, dict):
        if isinstance(named := node.get("Ref"), str):
            yield named
        if isinstance(got := node.get("Fn::GetAtt"), list):
            yield str(got[0])
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def needed(resources: dict[str, Any], logical_id: str) -> set[str]:
    """Return what a resource depends on, directly or not: what is deleted after it."""
    seen: set[str] = set()
    waiting = [logical_id]
    while waiting:
        body = resources[waiting.pop()]
        named = {*references(body.get("Properties")), *body.get("DependsOn", [])} & resources.keys()
        waiting += named - seen
        seen |= named
    return seen


def test_every_custom_resource_in_the_vpc_is_deleted_before_its_way_to_s3(own: Templates) -> None:
    resources = own["data"].to_json()["Resources"]
    way = {
        name
        for name, body in resources.items()
        if body["Type"] == "AWS::EC2::SubnetRouteTableAssociation"
        or body.get("Properties", {}).get("VpcEndpointType") == "Gateway"
    }
    custom = [name for name, body in resources.items() if body["Type"].startswith("Custom::")]

    assert custom
    assert len(way) == 3
    assert {name: way - needed(resources, name) for name in custom} == {name: set() for name in custom}


def statement(templates: Templates, sid: str) -> list[dict[str, Any]]:
    [gateway] = [
        body["Properties"]
        for body in templates["data"].find_resources("AWS::EC2::VPCEndpoint").values()
        if body["Properties"]["VpcEndpointType"] == "Gateway"
    ]
    return [each for each in gateway["PolicyDocument"]["Statement"] if each.get("Sid") == sid]


def test_a_bucket_of_another_account_that_the_settings_name_can_be_read(synthesize: Synthesize) -> None:
    corpus = {"s3": {"bucket": "other-team", "prefix": "x/" + "a" * 64}}
    [named] = statement(synthesize({"network": {"kind": "own"}, "corpus": corpus}), "NamedBuckets")

    assert named["Action"] == ["s3:GetObject", "s3:ListBucket"]
    assert [text["Fn::Join"][1][-1] for text in named["Resource"]] == [":s3:::other-team", ":s3:::other-team/*"]
    assert "aws:ResourceAccount" not in str(named["Condition"])


def test_no_other_bucket_of_another_account_is_reached(own: Templates) -> None:
    assert statement(own, "NamedBuckets") == []


def test_in_china_the_endpoints_that_are_named_otherwise_there_are(synthesize: Synthesize) -> None:
    data = synthesize({"network": {"kind": "own"}, "operations": {"tracing": True}, "retraining": {}})["data"].to_json()
    joined = [
        body["Properties"]["ServiceName"]["Fn::Join"][1]
        for body in data["Resources"].values()
        if body["Type"] == "AWS::EC2::VPCEndpoint"
    ]
    named = {parts[-1] for parts in joined if parts[0] == {"Fn::If": ["InChina", "cn.", ""]}}

    assert data["Conditions"]["InChina"] == {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}
    assert named == {".sagemaker.api", ".sagemaker.runtime", ".states", ".xray", ".cloudformation"}


def test_cloudformation_sees_the_interfaces_of_functions_that_it_deletes(synthesize: Synthesize) -> None:
    policies = synthesize({"network": {"kind": "own"}, "retraining": {}})["training"].find_resources(
        "AWS::IAM::ManagedPolicy"
    )
    [functions] = [body for name, body in policies.items() if name.startswith("RetrainingServingRoleFunctions")]

    assert "ec2:DescribeNetworkInterfaces" in str(functions["Properties"]["PolicyDocument"])


def test_the_settings_may_name_the_availability_zones(synthesize: Synthesize) -> None:
    named = ["eu-west-1b", "eu-west-1c"]
    data = synthesize({"network": {"kind": "own", "availability_zones": named}})["data"]
    subnets = data.find_resources("AWS::EC2::Subnet").values()

    assert [subnet["Properties"]["AvailabilityZone"] for subnet in subnets] == named


@pytest.mark.parametrize("named", [["eu-west-1b"], ["eu-west-1b", "eu-west-1b"]])
def test_zones_that_are_too_few_or_named_twice_are_refused(named: list[str]) -> None:
    with pytest.raises(ValidationError, match="availability_zones names .* but zones is 2"):
        OwnNetwork.model_validate({"kind": "own", "availability_zones": named})
