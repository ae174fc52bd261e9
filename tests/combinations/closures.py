"""Whether rights are closed: what CloudFormation, functions and roles of a synthesized stage need, they have.

Each closure returns sentences on what is missing, none where all is well. Policies are evaluated as the local cloud
does, a boundary included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local_cloud.cloudformation.stack_needs import Change, Need, Verb, needs
from local_cloud.shared import private_names
from local_cloud.shared.emulator import Scope
from rules.model import JsonValue, items, mapping, objects
from stacks.shared.names import STAGE_TAG
from tests.combinations.assembly import ACCOUNT, REGION, Assembly, Made
from tests.combinations.calls import Call, calls
from tests.combinations.settings_space import ORGANISATION_BOUNDARY

POLICY_CHARS = 6144
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_SCOPE = Scope(ACCOUNT, REGION)
_VERBS: tuple[Verb, ...] = ("create", "update", "delete")
_ONLY_WHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    # (module of the call, action) -> variable of the function, or property of the resource that it answers for, and
    # its value; '' for any
    ("similar_function.vectors", "s3vectors:GetVectors"): ("STORE", "s3-vectors"),
    ("similar_function.vectors", "s3vectors:QueryVectors"): ("STORE", "s3-vectors"),
    ("deployment_functions.deploy.account_logs", "logs:AssociateKmsKey"): ("KmsKeyArn", ""),
    ("deployment_functions.pipeline.corpus_publisher", "ssm:PutParameter"): ("NEWEST_CORPUS", ""),
}
"""Calls that code makes only where the stack tells it something."""


@dataclass(frozen=True)
class Evaluated:
    """Policies, as the local cloud's IAM evaluates them."""

    documents: Sequence[Mapping[str, JsonValue]]

    @cached_property
    def _statements(self) -> list[Any]:
        parse = private_names.IAM_PARSE_POLICY.get()
        return [parse(dict(document)) for document in self.documents]

    def allow(self, need: Need, *, also: Evaluated | None = None) -> bool:
        """Tell whether the need is allowed, by `also` as well."""
        context = private_names.IAM_CONTEXT.get()(
            principal_arn=f"arn:aws:iam::{ACCOUNT}:role/any",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=need.action,
            resource_arn=need.resource,
            region=REGION,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={key.lower(): value for key, value in need.keys},
        )
        limits = [] if also is None else [also._statements]
        return bool(private_names.IAM_EVALUATE.get()(context, self._statements, *limits).decision == "Allow")


def policies(assembly: Assembly, role: str) -> Evaluated:
    """What a role, by its name, is allowed."""
    return Evaluated(
        [
            mapping(policy.properties["PolicyDocument"])
            for policy in assembly.of("AWS::IAM::ManagedPolicy")
            if role in items(policy.properties.get("Roles"))
        ]
    )


def serving_role(assembly: Assembly) -> Evaluated | None:
    """What the role is allowed that the serving stack is deployed with; None where that is the bootstrap's."""
    name = f"topic-model-{assembly.stage}-serving-{REGION}"
    there = [role for role in assembly.of("AWS::IAM::Role", part="training") if role.name == name]
    return policies(assembly, name) if there else None


def beyond_the_stacks_role(assembly: Assembly, role: Evaluated) -> Iterator[str]:
    """What CloudFormation takes to make, change and remove each resource of the serving stack, and may not do."""
    for resource in assembly.resources:
        if resource.part == "serving":
            yield from beyond(assembly, resource, role)


def beyond(assembly: Assembly, resource: Made, role: Evaluated) -> Iterator[str]:
    """What CloudFormation takes for one resource, and may not do by a role."""
    for verb in _VERBS:
        change = Change(
            verb,
            resource.type,
            resource.logical_id,
            "" if verb == "create" else resource.reference,
            dict(resource.properties),
            assembly.stack(resource.part),
            _SCOPE,
            {} if verb == "update" else None,
        )
        for need in needs(change):
            if not role.allow(need):
                yield f"{verb} {resource.logical_id} ({resource.type}): {need.action} on {need.resource}"


def beyond_the_functions_policy(assembly: Assembly) -> Iterator[str]:
    """Calls in a function's code that its policy, or the endpoint on its way, does not let pass."""
    passes = _endpoints(assembly)
    for function in assembly.of("AWS::Lambda::Function"):
        allowed = policies(assembly, str(function.properties["Role"]).rpartition("/")[2])
        actions = {
            str(action)
            for document in allowed.documents
            for statement in objects(document["Statement"])
            for action in items(statement["Action"])
        }
        told = dict(mapping(mapping(function.properties.get("Environment")).get("Variables")))
        for resource in assembly.resources:
            if resource.properties.get("ServiceToken") == function.arn:
                told |= resource.properties
        for call in sorted(calls(str(function.properties["Handler"])), key=str):
            for action in _needed(call, told, actions):
                if action not in actions:
                    yield f"{function.logical_id}: {action}, called in {call.module}, is not in its policy"
                if passes and not action.startswith("s3:") and action not in passes:
                    yield f"{function.logical_id}: {action}, called in {call.module}, passes no endpoint of the VPC"


def _needed(call: Call, told: Mapping[str, JsonValue], actions: set[str]) -> Iterator[str]:
    for action in call.actions:
        variable, value = _ONLY_WHERE.get((call.module, action), ("", ""))
        given = str(told.get(variable) or "")
        if variable and (not given or value not in {"", given}):
            continue
        if action == "s3:DeleteObjectVersion" and "s3:ListBucketVersions" not in actions:
            # Whoever lists no versions deletes by the key alone.
            continue
        yield action


def _endpoints(assembly: Assembly) -> set[str]:
    """The actions that pass the interface endpoints of the stage's own VPC; empty where it has none."""
    return {
        str(action)
        for endpoint in assembly.of("AWS::EC2::VPCEndpoint")
        if endpoint.properties["VpcEndpointType"] == "Interface"
        for statement in objects(mapping(endpoint.properties["PolicyDocument"])["Statement"])
        for action in items(statement["Action"])
    }


def beyond_the_boundary(assembly: Assembly) -> Iterator[str]:
    """What a policy of a role with a boundary allows, and the boundary does not."""
    by_arn = {policy.arn: policy for policy in assembly.of("AWS::IAM::ManagedPolicy")}
    for role in assembly.of("AWS::IAM::Role"):
        named = role.properties.get("PermissionsBoundary")
        # What an organisation's own boundary allows is the organisation's to say.
        if named is None or named == ORGANISATION_BOUNDARY:
            continue
        boundary = by_arn.get(str(named))
        if boundary is None:
            yield f"{role.logical_id} is in {named}, which no stack makes"
            continue
        bounds = objects(mapping(boundary.properties["PolicyDocument"])["Statement"])
        for document in policies(assembly, role.name).documents:
            for statement in objects(document["Statement"]):
                for action in items(statement["Action"]):
                    for resource in items(statement["Resource"]):
                        if not any(_bounds(bound, str(action), str(resource), statement) for bound in bounds):
                            yield f"{role.logical_id}: {action} on {resource}"


def _bounds(bound: Mapping[str, JsonValue], action: str, resource: str, statement: Mapping[str, JsonValue]) -> bool:
    if action not in items(bound["Action"]):
        return False
    if not any(_covers(str(pattern), resource) for pattern in items(bound["Resource"])):
        return False
    conditions = mapping(statement.get("Condition"))
    for operator, keys in mapping(bound.get("Condition")).items():
        for key, allowed in mapping(keys).items():
            if key == f"aws:ResourceTag/{STAGE_TAG}":
                # What the stage makes has its tag.
                continue
            asked = items(mapping(conditions.get(operator)).get(key))
            if not asked or not all(value in items(allowed) for value in asked):
                return False
    return True


def _covers(pattern: str, resource: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), resource) is not None


def without_a_way_to_answer(assembly: Assembly) -> Iterator[str]:
    """What a custom resource in the stage's own VPC needs to reach S3, and CloudFormation may remove before it."""
    network = {each.logical_id: each for each in assembly.resources if each.type in _WAY_TO_S3 and _is_of_the_way(each)}
    functions = {each.arn: each for each in assembly.of("AWS::Lambda::Function")}
    for resource in assembly.resources:
        if not resource.type.startswith("Custom::") or not network:
            continue
        function = functions[str(resource.properties["ServiceToken"])]
        if "VpcConfig" not in function.properties:
            continue
        behind = assembly.behind(resource.part, resource.logical_id)
        # Stacks are removed in the reverse of the order in which they are deployed, Data last.
        for name in sorted(network) if resource.part == "data" else ():
            if name not in behind:
                yield f"{resource.logical_id} waits for no {name} ({network[name].type})"
        if function.part != resource.part:
            yield f"{resource.logical_id} is answered by a function of another stack"
        role = str(function.properties["Role"]).rpartition("/")[2]
        rights = {
            policy.logical_id
            for policy in assembly.of("AWS::IAM::ManagedPolicy", part=resource.part)
            if role in items(policy.properties.get("Roles"))
        }
        if not rights & behind:
            yield f"{resource.logical_id} waits for none of {', '.join(sorted(rights))}, its function's rights"


_WAY_TO_S3 = frozenset(
    {
        "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC", "AWS::EC2::VPCEndpoint",
    }
)  # fmt: skip


def _is_of_the_way(resource: Made) -> bool:
    return resource.type != "AWS::EC2::VPCEndpoint" or resource.properties["VpcEndpointType"] == "Gateway"


def too_long(assembly: Assembly) -> Iterator[str]:
    """Managed policies that are longer than IAM takes."""
    for policy in assembly.of("AWS::IAM::ManagedPolicy"):
        length = len(json.dumps(policy.properties["PolicyDocument"], separators=(",", ":")))
        if length > POLICY_CHARS:
            yield f"{policy.logical_id} has {length} characters of at most {POLICY_CHARS}"
