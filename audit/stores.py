"""What keeps data, under which key, for how long; and what makes requests to it use TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.assembly import Assembly
from audit.tables import Place, Row, Table
from rules.buckets import default_encryption
from rules.jobs import PROCESSING, TRAINING, TRANSFORM, jobs
from rules.model import JsonValue, Resource, mapping, objects

BUCKET: Final = "AWS::S3::Bucket"
VECTORS: Final = "AWS::S3Vectors::VectorBucket"
TOPIC: Final = "AWS::SNS::Topic"
QUEUE: Final = "AWS::SQS::Queue"
PARAMETER: Final = "AWS::SSM::Parameter"
LOGS: Final = "AWS::Logs::LogGroup"
CONFIG: Final = "AWS::SageMaker::EndpointConfig"
FUNCTION: Final = "AWS::Lambda::Function"
POLICIES: Final = {
    BUCKET: ("AWS::S3::BucketPolicy", "Bucket"),
    TOPIC: ("AWS::SNS::TopicPolicy", "Topics"),
    QUEUE: ("AWS::SQS::QueuePolicy", "Queues"),
}
_NO_KEY: Final = "no key of ours"
_DAY_S: Final = 86_400


def stores(assembly: Assembly) -> Table:
    """Return the table of what keeps data."""
    kinds = (BUCKET, VECTORS, QUEUE, TOPIC, PARAMETER, LOGS, CONFIG, FUNCTION)
    rows = [
        Row((_kind(resource), label(assembly, stack, resource), *_kept_under(assembly, stack, resource)), place)
        for stack, resource in assembly.resources(*kinds)
        for place in [assembly.place(stack, resource.logical_id, _path(resource))]
    ]
    rows += _volumes(assembly)
    return Table(
        "stores",
        "Stores of data",
        "What keeps documents' counts, models, logs and settings, and the encryption at rest of each.",
        ("kind", "store", "encryption at rest", "kept for"),
        tuple(rows),
    )


def label(assembly: Assembly, stack: str, resource: Resource) -> str:
    """Return the name by which one knows a resource: its own, or else its logical id."""
    for name in ("Name", "LogGroupName", "EndpointName", "FunctionName", "StateMachineName"):
        if resource.get(name) and "Fn::GetAtt" not in str(resource.get(name)):
            return assembly.flat(stack, resource.get(name))
    return resource.logical_id


def tls_denial(assembly: Assembly, where: tuple[str, str]) -> Place | None:
    """Return the line of the statement that denies requests without TLS, or None where there is none."""
    store = assembly.resource(where)
    kind, attached = POLICIES.get(store.type if store else "", ("", ""))
    for stack, policy in assembly.resources(kind) if kind else ():
        targets = assembly.references(stack, policy.get(attached))
        for number, statement in enumerate(objects(policy.get("PolicyDocument", "Statement"))):
            secure_transport = mapping(mapping(statement.get("Condition")).get("Bool")).get("aws:SecureTransport")
            if where in targets and statement.get("Effect") == "Deny" and secure_transport == "false":
                return assembly.place(stack, policy.logical_id, f"Properties/PolicyDocument/Statement/{number}")
    return None


def encryption(assembly: Assembly, stack: str, resource: Resource) -> str:
    """Return the encryption at rest of a store."""
    if resource.type == BUCKET:
        default = default_encryption(resource)
        if key := _key(assembly, stack, default.get("KMSMasterKeyID")):
            return f"SSE-KMS, {key}"
        return f"SSE-S3 ({default.get('SSEAlgorithm')})" if default else _NO_KEY
    if resource.type == PARAMETER:
        return "AWS's own: a String parameter takes no key; it holds no secret"
    if resource.type == VECTORS:
        key = _key(assembly, stack, resource.get("EncryptionConfiguration", "KmsKeyArn"))
        return f"KMS, {key}" if key else "S3's own keys"
    name = {QUEUE: "KmsMasterKeyId", TOPIC: "KmsMasterKeyId", FUNCTION: "KmsKeyArn"}.get(resource.type, "KmsKeyId")
    return f"KMS, {assembly.flat(stack, resource.get(name)).strip('<>')}" if resource.get(name) else _NO_KEY


def _key(assembly: Assembly, stack: str, value: JsonValue) -> str:
    """Return a key as one reads it: the logical id of the stage's own, the ARN of one that is named."""
    keys = assembly.references(stack, value)
    return keys[0][1] if keys else assembly.flat(stack, value).strip("<>")


def _kept_under(assembly: Assembly, stack: str, resource: Resource) -> tuple[str, str]:
    return encryption(assembly, stack, resource), _kept_for(resource)


def _kept_for(resource: Resource) -> str:
    if resource.type == LOGS:
        return f"{resource.get('RetentionInDays')} days"
    if resource.type == QUEUE:
        return f"{int(str(resource.get('MessageRetentionPeriod'))) // _DAY_S} days"
    if resource.type == BUCKET:
        periods = []
        for rule in objects(resource.get("LifecycleConfiguration", "Rules")):
            if "ExpirationInDays" in rule:
                periods.append(f"{rule.get('Prefix') or 'objects'} {rule['ExpirationInDays']} days")
            old = mapping(rule.get("NoncurrentVersionExpiration")).get("NoncurrentDays")
            if old is not None:
                periods.append(f"old versions {old} days")
        return "; ".join(periods)
    return ""


def _kind(resource: Resource) -> str:
    return {
        BUCKET: "bucket",
        VECTORS: "vector bucket",
        QUEUE: "queue",
        TOPIC: "topic",
        PARAMETER: "parameter",
        LOGS: "log group",
        CONFIG: "endpoint's volumes",
        FUNCTION: "function's environment",
    }[resource.type]


def _path(resource: Resource) -> str:
    names = {
        BUCKET: "BucketEncryption",
        VECTORS: "EncryptionConfiguration",
        QUEUE: "KmsMasterKeyId",
        TOPIC: "KmsMasterKeyId",
        FUNCTION: "KmsKeyArn",
    }
    return f"Properties/{names.get(resource.type, 'KmsKeyId')}"


def _volumes(assembly: Assembly) -> Iterator[Row]:
    """Return rows for the volumes of jobs, which are in state machines' definitions."""
    for template in assembly.templates:
        for job in jobs(template, TRAINING, TRANSFORM, PROCESSING):
            key = assembly.flat(template.stack, job.volume_key).strip("<>")
            place = assembly.place(template.stack, job.machine.logical_id, "Properties/DefinitionString")
            yield Row(("job's volumes", f"{job.state} jobs", f"KMS, {key}" if key else _NO_KEY, "the job's run"), place)
