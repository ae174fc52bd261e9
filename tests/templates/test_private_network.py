"""The stage's own VPC: what its functions reach, and what must outlive them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

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
