"""Every IAM statement: who may do what, where, on what condition. Rights, trust and resources' own policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from audit.assembly import Assembly
from audit.tables import Row, Table
from rules.model import JsonValue, Resource, items, mapping, objects

ROLE: Final = "AWS::IAM::Role"
_ATTACHED: Final = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}


def statements(assembly: Assembly) -> Table:
    """Return the table of statements."""
    rows = [
        row
        for stack, resource in assembly.resources()
        for row in (*_documented(assembly, stack, resource), *_permissions(assembly, stack, resource))
    ]
    return Table(
        "statements",
        "IAM statements",
        "Rights of roles, trust of roles, and the policies of keys, buckets, queues, topics, VPC endpoints and "
        "functions: every statement that the templates hold.",
        ("kind", "effect", "who", "what", "where", "condition"),
        tuple(rows),
    )


def documents(resource: Resource) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    """Return every policy document in a resource's properties, with the path to it."""
    yield from _find("Properties", dict(resource.properties))


def _find(path: str, value: JsonValue) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    if isinstance(value, dict) and "Statement" in value:
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _find(f"{path}/{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _find(f"{path}/{number}", inner)


def _documented(assembly: Assembly, stack: str, resource: Resource) -> Iterator[Row]:
    for path, document in documents(resource):
        for number, statement in enumerate(objects(document.get("Statement"))):
            kind, who, where = _subject(assembly, stack, resource, path, statement)
            condition = statement.get("Condition")
            yield Row(
                (
                    kind,
                    str(statement.get("Effect")),
                    who,
                    _listed(assembly, stack, statement, "Action"),
                    where,
                    _conditions(assembly, stack, mapping(condition)),
                ),
                assembly.place(stack, resource.logical_id, f"{path}/Statement/{number}"),
            )


def _subject(
    assembly: Assembly, stack: str, resource: Resource, path: str, statement: Mapping[str, JsonValue]
) -> tuple[str, str, str]:
    where = _listed(assembly, stack, statement, "Resource")
    if "AssumeRolePolicyDocument" in path:
        return "trust", _principal(assembly, stack, statement), resource.logical_id
    if "Principal" not in statement and "NotPrincipal" not in statement:
        roles = resource.get("Roles")
        if resource.type != ROLE and not roles:
            # A policy that is bound to no role allows nothing: it is there to bound some.
            return "boundary", resource.logical_id, where
        who = resource.logical_id if resource.type == ROLE else assembly.flat(stack, roles).replace("<", "")
        return "rights", who.replace(">", ""), where
    attached = resource.get(_ATTACHED.get(resource.type, ""))
    of = assembly.flat(stack, attached) if attached else resource.logical_id
    target = where if of in where else f"{of}: {where}".removesuffix(": ")
    return "resource policy", _principal(assembly, stack, statement), target


def _listed(assembly: Assembly, stack: str, statement: Mapping[str, JsonValue], name: str) -> str:
    for key, before in ((name, ""), (f"Not{name}", "all but ")):
        if key in statement:
            return before + "\n".join(assembly.flat(stack, item) for item in items(statement[key]))
    return ""


def _principal(assembly: Assembly, stack: str, statement: Mapping[str, JsonValue]) -> str:
    before = "all but " if "NotPrincipal" in statement else ""
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if isinstance(principal, str):
        return before + ("everybody" if principal == "*" else principal)
    listed = [
        "everybody" if item == "*" else assembly.flat(stack, item)
        for kind in mapping(principal).values()
        for item in items(kind)
    ]
    return before + "\n".join(listed)


def _conditions(assembly: Assembly, stack: str, condition: Mapping[str, JsonValue]) -> str:
    return "\n".join(
        f"{operator} {key} = {' or '.join(assembly.flat(stack, item) for item in items(value))}"
        for operator, keys in condition.items()
        for key, value in mapping(keys).items()
    )


def _permissions(assembly: Assembly, stack: str, resource: Resource) -> Iterator[Row]:
    if resource.type != "AWS::Lambda::Permission":
        return
    conditions = [
        f"{name} = {assembly.flat(stack, resource.get(name))}"
        for name in ("SourceArn", "SourceAccount", "FunctionUrlAuthType", "PrincipalOrgID")
        if resource.get(name)
    ]
    principal = resource.get("Principal")
    yield Row(
        (
            "resource policy",
            "Allow",
            "everybody" if principal == "*" else assembly.flat(stack, principal),
            str(resource.get("Action")),
            assembly.flat(stack, resource.get("FunctionName")),
            "\n".join(conditions),
        ),
        assembly.place(stack, resource.logical_id),
    )
