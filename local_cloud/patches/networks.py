"""VPC endpoints: MiniStack makes them in networks that are not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_cloud.shared import emulator, networks, private_names
from local_cloud.shared.emulator import Headers, Query, Response
from local_cloud.shared.wire import JsonObject, Node

_TYPE = "AWS::EC2::VPCEndpoint"


def install() -> None:
    """Refuse over the API and in templates; imports MiniStack's CloudFormation."""
    emulator.check_service("ec2", _check)
    handlers = private_names.CFN_HANDLERS.get()
    endpoint = dict(handlers[_TYPE])
    endpoint["create"] = _checked(endpoint["create"])
    handlers[_TYPE] = endpoint


def _check(path: str, headers: Headers, body: bytes, query: Query) -> Response | None:
    del path, headers
    asked = emulator.asked(body, query)
    if asked.get("Action") != "CreateVpcEndpoint":
        return None

    def listed(name: str) -> list[str]:
        return [value for key, value in asked.items() if key.rpartition(".")[0] == name]

    problem = networks.problem_of(
        emulator.current_scope(), vpcs=[asked.get("VpcId", "")], subnets=listed("SubnetId"),
        groups=listed("SecurityGroupId"), route_tables=listed("RouteTableId"),
    )  # fmt: skip
    return emulator.ec2_error(problem.code, problem.message) if problem else None


def _checked(create: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    def created(logical_id: str, properties: JsonObject, stack: str) -> tuple[str, Any]:
        given = Node(properties)
        problem = networks.problem_of(
            emulator.current_scope(), vpcs=[given.text("VpcId")], subnets=given.texts("SubnetIds"),
            groups=given.texts("SecurityGroupIds"), route_tables=given.texts("RouteTableIds"),
        )  # fmt: skip
        if problem:
            raise ValueError(f"{problem.message} (Service: Ec2, Status Code: {problem.status}, {problem.code})")
        return create(logical_id, properties, stack)

    return created
