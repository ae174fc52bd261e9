"""Where data goes: from whom, to what, protected how on the way. Read from roles' rights and resources' settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from audit import stores
from audit.assembly import Assembly
from audit.tables import Place, Row, Table
from rules.jobs import PROCESSING, TRAINING, TRANSFORM, jobs
from rules.model import JsonValue, items, mapping, objects

FUNCTION: Final = "AWS::Lambda::Function"
ALIAS: Final = "AWS::Lambda::Alias"
MACHINE: Final = "AWS::StepFunctions::StateMachine"
MODEL: Final = "AWS::SageMaker::Model"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"

VERBS: Final = {
    "s3:GetObject": "reads",
    "s3:PutObject": "writes",
    "sagemaker:InvokeEndpoint": "asks",
    "sagemaker:CreateModelPackage": "registers",
    "sagemaker:UpdateModelPackage": "registers",
    "cloudformation:UpdateStack": "updates",
    "lambda:InvokeFunction": "invokes",
    "s3vectors:QueryVectors": "searches",
    "states:StartExecution": "starts",
    "ssm:GetParameter": "reads",
    "ssm:GetParameters": "reads",
    "ssm:GetParametersByPath": "reads",
    "ssm:PutParameter": "writes",
    "sqs:SendMessage": "sends",
    "sns:Publish": "tells",
    "logs:PutLogEvents": "logs",
}
"""What an action does with data; actions that move none are left out."""

API_TLS: Final = "TLS: the service's API takes nothing else"
TRIGGER, COMPUTE, HOSTED, STORE = range(4)
_HASH: Final = 8
_BY_THE_SERVICE: Final = ("logs", "sends")
"""What the service does for the container or function, from outside its VPC."""


@dataclass(frozen=True, order=True)
class Node:
    """Something that data comes from or goes to, and the column in which it is drawn."""

    column: int
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Flow:
    """Data that goes one way."""

    source: Node
    target: Node
    verb: str
    data: str
    hop: str
    network: str
    at_rest: str
    place: Place


@dataclass(frozen=True)
class _Actor:
    """What acts with a role."""

    node: Node
    stack: str
    role: tuple[str, str]
    network: str


def flows(assembly: Assembly) -> list[Flow]:
    """Return every flow, each once."""
    unique: dict[tuple[Node, Node, str], Flow] = {}
    for flow in (*_triggered(assembly), *_by_rights(assembly), *_by_settings(assembly)):
        unique.setdefault((flow.source, flow.target, flow.verb), flow)
    return list(unique.values())


def table(found: list[Flow]) -> Table:
    """Return the table of flows; a flow's number is that of its line in the diagram."""
    rows = [
        Row(
            (
                str(number),
                flow.source.name,
                flow.verb,
                flow.target.name,
                flow.data,
                flow.hop,
                flow.network,
                flow.at_rest,
            ),
            flow.place,
        )
        for number, flow in enumerate(found, start=1)
    ]
    columns = ("no.", "from", "does", "to", "data", "encryption on the way", "network", "encryption at rest")
    about = "What roles' rights and resources' settings let data flow along. The numbers are those in the diagram."
    return Table("flows", "Data flows", about, columns, tuple(rows))


def node_of(assembly: Assembly, where: tuple[str, str]) -> Node | None:
    """Return the node of a resource, or None if data neither rests in it nor passes through it."""
    resource = assembly.resource(where)
    if resource is None:
        return None
    if resource.type == ALIAS:
        inner = assembly.references(where[0], resource.get("FunctionName"))
        return node_of(assembly, inner[0]) if inner else None
    columns = {
        FUNCTION: COMPUTE,
        MACHINE: COMPUTE,
        MODEL: HOSTED,
        ENDPOINT: HOSTED,
        stores.BUCKET: STORE,
        stores.VECTORS: STORE,
        stores.QUEUE: STORE,
        stores.TOPIC: STORE,
        stores.PARAMETER: STORE,
        stores.LOGS: STORE,
    }
    column = columns.get(resource.type)
    if column is None:
        return None
    if resource.type == ENDPOINT:
        return Node(HOSTED, f"Endpoint {resource.get('EndpointName')}", "containers of the model")
    kind = resource.type.split("::")[1]
    detail = stores.encryption(assembly, where[0], resource) if column == STORE else kind
    return Node(column, short(resource.logical_id), detail)


def short(logical_id: str) -> str:
    """Return a logical id without the hash that CDK adds."""
    return logical_id[:-_HASH] if len(logical_id) > _HASH else logical_id


def _endpoint_of(assembly: Assembly, model: tuple[str, str]) -> tuple[str, str] | None:
    for stack, endpoint in assembly.resources(ENDPOINT):
        for config in assembly.references(stack, endpoint.get("EndpointConfigName")):
            endpoint_config = assembly.resource(config)
            if endpoint_config and model in assembly.references(config[0], endpoint_config.get("ProductionVariants")):
                return stack, endpoint.logical_id
    return None


def _actors(assembly: Assembly) -> Iterator[_Actor]:
    for stack, resource in assembly.resources(FUNCTION, MACHINE, MODEL):
        where = (stack, resource.logical_id)
        endpoint = _endpoint_of(assembly, where) if resource.type == MODEL else None
        node = node_of(assembly, endpoint or where)
        field = {FUNCTION: "Role", MACHINE: "RoleArn", MODEL: "ExecutionRoleArn"}[resource.type]
        for role in assembly.references(stack, resource.get(field)):
            if node is not None:
                yield _Actor(node, stack, role, "VPC" if resource.get("VpcConfig") else "AWS's network")
    for template in assembly.templates:
        for job in jobs(template, TRAINING, PROCESSING):
            node = Node(HOSTED, f"{job.state} job", f"{job.instances} instances")
            for role in assembly.references(template.stack, job.resolved("RoleArn")):
                yield _Actor(node, template.stack, role, "VPC" if job.in_vpc else "AWS's network")


def _by_rights(assembly: Assembly) -> Iterator[Flow]:
    for actor in _actors(assembly):
        for stack, policy in assembly.resources("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            if actor.role not in assembly.references(stack, policy.get("Roles")):
                continue
            for number, statement in enumerate(objects(policy.get("PolicyDocument", "Statement"))):
                place = assembly.place(stack, policy.logical_id, f"Properties/PolicyDocument/Statement/{number}")
                if statement.get("Effect") == "Allow":
                    yield from _allowed(assembly, actor, stack, statement, place)


def _allowed(
    assembly: Assembly, actor: _Actor, stack: str, statement: Mapping[str, JsonValue], place: Place
) -> Iterator[Flow]:
    verbs = {VERBS[str(action)] for action in items(statement.get("Action")) if str(action) in VERBS}
    for resource in items(statement.get("Resource")) if verbs else []:
        where = _target(assembly, stack, resource)
        target = node_of(assembly, where) if where else _named(assembly, stack, resource)
        if target is None:
            continue
        for verb in sorted(verbs):
            hop, at_rest = _protection(assembly, where)
            data = assembly.flat(stack, resource).partition(">")[2]
            network = "AWS's network" if verb in _BY_THE_SERVICE else actor.network
            yield Flow(actor.node, target, verb, data if data.startswith("/") else "", hop, network, at_rest, place)


def _target(assembly: Assembly, stack: str, resource: JsonValue) -> tuple[str, str] | None:
    known = [where for where in assembly.references(stack, resource) if node_of(assembly, where)]
    if known:
        return known[0]
    text = assembly.flat(stack, resource)
    for owner, parameter in assembly.resources(stores.PARAMETER):
        if text.endswith(f":parameter{parameter.get('Name')}"):
            return owner, parameter.logical_id
    for owner, group in assembly.resources(stores.LOGS):
        if text.removesuffix(":*").endswith(f":log-group:{assembly.flat(owner, group.get('LogGroupName'))}"):
            return owner, group.logical_id
    return None


def _named(assembly: Assembly, stack: str, resource: JsonValue) -> Node | None:
    """Return the node of what is not declared but named: parameters, log groups, versions of models, a stack."""
    text = assembly.flat(stack, resource).removesuffix(":*")
    for mark, kind in ((":model-package/", "versions of models"), (":stack/", "stack, by a role of its own")):
        if mark in text:
            return Node(STORE, text.rpartition(mark)[2].partition("/")[0], kind)
    for mark, kind in ((":parameter/", "parameter, no key"), (":log-group:", "log group, one per account and region")):
        if mark in text:
            return Node(STORE, text.rpartition(mark)[2] if "log" in mark else "/" + text.rpartition(mark)[2], kind)
    return None


def _protection(assembly: Assembly, where: tuple[str, str] | None) -> tuple[str, str]:
    resource = assembly.resource(where) if where else None
    if where is None or resource is None:
        return API_TLS, "AWS's own; no key of ours"
    denial = stores.tls_denial(assembly, where)
    if resource.type in stores.POLICIES:
        hop = f"TLS: all else is denied ({denial.logical_id} line {denial.line})" if denial else "not enforced"
    else:
        hop = API_TLS
    held = resource.type in {*stores.POLICIES, stores.PARAMETER, stores.LOGS, stores.VECTORS}
    return hop, stores.encryption(assembly, where[0], resource) if held else "passes through"


def _triggered(assembly: Assembly) -> Iterator[Flow]:
    for stack, url in assembly.resources("AWS::Lambda::Url"):
        for alias in assembly.references(stack, url.get("TargetFunctionArn")):
            target = node_of(assembly, alias)
            if target:
                who = "signed by IAM" if url.get("AuthType") == "AWS_IAM" else "open to everybody"
                client = Node(TRIGGER, "Client of the URL", who)
                place = assembly.place(stack, url.logical_id, "Properties/AuthType")
                hop = "TLS: a Function URL takes nothing else"
                yield Flow(
                    client, target, "asks", "word counts or text", hop, "public internet", "passes through", place
                )
    for stack, rule in assembly.resources("AWS::Events::Rule"):
        source = Node(TRIGGER, short(rule.logical_id), str(rule.get("ScheduleExpression") or "event"))
        for number, entry in enumerate(objects(rule.get("Targets"))):
            place = assembly.place(stack, rule.logical_id, f"Properties/Targets/{number}")
            for part, verb in ((entry.get("Arn"), "invokes"), (mapping(entry.get("DeadLetterConfig")), "sends lost")):
                for where in assembly.references(stack, dict(part) if isinstance(part, Mapping) else part):
                    target = node_of(assembly, where)
                    if target:
                        hop, at_rest = _protection(assembly, where)
                        yield Flow(source, target, verb, "event", hop, "AWS's network", at_rest, place)


def _by_settings(assembly: Assembly) -> Iterator[Flow]:
    yield from _access_logs(assembly)
    for stack, resource in assembly.resources(MACHINE, "AWS::EC2::FlowLog", "AWS::CloudWatch::Alarm"):
        fields = {MACHINE: "LoggingConfiguration", "AWS::EC2::FlowLog": "LogGroupName"}
        field = fields.get(resource.type, "AlarmActions")
        column = COMPUTE if resource.type == MACHINE else TRIGGER
        verb = "tells" if field == "AlarmActions" else "logs"
        source = node_of(assembly, (stack, resource.logical_id)) or Node(column, short(resource.logical_id))
        for where in assembly.references(stack, resource.get(field)):
            target = node_of(assembly, where)
            if target:
                hop, at_rest = _protection(assembly, where)
                place = assembly.place(stack, resource.logical_id, f"Properties/{field}")
                yield Flow(source, target, verb, "", hop, "AWS's network", at_rest, place)
    yield from _jobs(assembly)


def _access_logs(assembly: Assembly) -> Iterator[Flow]:
    for stack, bucket in assembly.resources(stores.BUCKET):
        named = bucket.get("LoggingConfiguration", "DestinationBucketName")
        source = node_of(assembly, (stack, bucket.logical_id))
        if source and isinstance(named, str):
            place = assembly.place(stack, bucket.logical_id, "Properties/LoggingConfiguration")
            archive = Node(STORE, named, "named by the settings")
            yield Flow(source, archive, "logs", "access log", "inside S3", "inside S3", "its owner's", place)
        for where in assembly.references(stack, bucket.get("LoggingConfiguration")):
            target = node_of(assembly, where)
            if source and target:
                place = assembly.place(stack, bucket.logical_id, "Properties/LoggingConfiguration")
                hop, at_rest = _protection(assembly, where)
                yield Flow(source, target, "logs", "access log", hop, "inside S3", at_rest, place)


def _jobs(assembly: Assembly) -> Iterator[Flow]:
    for template in assembly.templates:
        for job in jobs(template, TRAINING, TRANSFORM, PROCESSING):
            place = assembly.place(template.stack, job.machine.logical_id, "Properties/DefinitionString")
            machine = node_of(assembly, (template.stack, job.machine.logical_id))
            models = assembly.references(template.stack, job.resolved("ModelName"))
            node = node_of(assembly, models[0]) if models else None
            count = job.instances
            node = node or Node(HOSTED, f"{job.state} job", f"{count} instances")
            if machine:
                yield Flow(machine, node, "starts", "job's definition", API_TLS, "AWS's network", "", place)
            # The instances of a transform have nothing to say to each other.
            shared = {TRAINING: "gradients", PROCESSING: "counts of words"}.get(job.call)
            if shared is not None and isinstance(count, int) and count > 1:
                hop = "encrypted between containers" if job.traffic_encrypted else "not encrypted"
                network = "VPC" if job.in_vpc else "AWS's network"
                yield Flow(node, node, "shares", shared, hop, network, "passes through", place)
