"""What the local cloud does not enforce: state machines' roles and the use of keys. Enough for the work, and no more.

Each test derives from prod's templates what somebody needs, and compares it with what the policies allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rules.model import JsonValue, items, mapping, objects
from tests.templates.conftest import Templates
from tests.templates.policies import Right, Stage, flat

ARN = "arn:<AWS::Partition>:{}:<AWS::Region>:<AWS::AccountId>:{}"
JOB_ACTIONS = ("Create", "Describe", "Stop")
LOG_DELIVERY = (
    "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies", "GetLogDelivery",
    "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
)  # fmt: skip
TRACES = ("GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")
FOR_AWS_ONLY = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@pytest.fixture(scope="module")
def stage(prod: Templates) -> Stage:
    return Stage(prod)


def states(machine: dict[str, JsonValue]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each task of a state machine calls, and its parameters, with what stands for ARNs filled in."""
    text = str(machine["DefinitionString"])
    for name, value in mapping(machine["DefinitionSubstitutions"]).items():
        text = text.replace(f"${{{name}}}", flat(value))
    for state in json.loads(text)["States"].values():
        if state["Type"] == "Task":
            yield state["Resource"].partition(":states:::")[2], state["Parameters"]


def needs_of_a_job(kind: str, name: str, parameters: dict[str, Any]) -> Iterator[Right]:
    """What Step Functions needs to run a SageMaker job to its end, by its developer guide."""
    resource = ARN.format("sagemaker", f"{kind.lower()}-job/{name}-*")
    for action in JOB_ACTIONS:
        yield Right(f"sagemaker:{action}{kind}Job", resource)
    yield Right("sagemaker:ListTags", resource)
    if parameters.get("Tags"):
        yield Right("sagemaker:AddTags", resource)
    rule = f"rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule"
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield Right(f"events:{action}", ARN.format("events", rule))
    if "RoleArn" in parameters:
        yield Right("iam:PassRole", parameters["RoleArn"])
    machines = parameters.get("ResourceConfig") or parameters["TransformResources"]
    for action in ("CreateGrant", "DescribeKey"):
        yield Right(f"kms:{action}", machines["VolumeKmsKeyId"])


def needs_of_a_machine(machine: dict[str, JsonValue], name: str) -> Iterator[Right]:
    """Everything that a state machine's role is used for."""
    for called, parameters in states(machine):
        if called == "lambda:invoke":
            yield Right("lambda:InvokeFunction", parameters["FunctionName"])
        else:
            kind = {"sagemaker:createTrainingJob.sync": "Training", "sagemaker:createTransformJob.sync": "Transform"}
            yield from needs_of_a_job(kind[called], name, parameters)
    if machine.get("LoggingConfiguration"):
        yield from (Right(f"logs:{action}", "*") for action in LOG_DELIVERY)
    if mapping(machine.get("TracingConfiguration")).get("Enabled"):
        yield from (Right(f"xray:{action}", "*") for action in TRACES)


@pytest.mark.parametrize("number", [0, 1], ids=["training", "transform"])
def test_a_pipelines_role_may_do_what_its_states_ask_and_nothing_else(stage: Stage, number: int) -> None:
    machine = [properties for _, properties in stage.resources("AWS::StepFunctions::StateMachine")][number]
    needs = set(needs_of_a_machine(machine, "topic-model-prod"))
    rights = stage.rights(flat(machine["RoleArn"]).strip("<>"))

    assert {need for need in needs if not any(right.covers(need) for right in rights)} == set(), "it would be refused"
    assert {right for right in rights if not any(right.covers(need) for need in needs)} == set(), "nobody needs it"


def buckets_keys(stage: Stage) -> dict[str, str]:
    """The key of each bucket that is under one, both by their logical ids."""
    found = {}
    for name, bucket in stage.resources("AWS::S3::Bucket"):
        for each in objects(mapping(bucket["BucketEncryption"])["ServerSideEncryptionConfiguration"]):
            key = mapping(each["ServerSideEncryptionByDefault"]).get("KMSMasterKeyID")
            if key:
                found[name] = flat(key)
    return found


def needs_of_keys(stage: Stage, role: str) -> set[Right]:
    """How a role must be able to use keys, for what it does with buckets, queues and functions' environments."""
    keys, needs = buckets_keys(stage), set()
    rights = stage.rights(role)
    for right in rights:
        key = keys.get(right.resource.partition(">")[0].removeprefix("<"))
        if key is None:
            continue
        if right.action in {"s3:GetObject", "s3:AbortMultipartUpload"}:
            # A part of a multipart upload is encrypted under the data key of the first, which S3 has decrypted.
            needs.add(Right("kms:Decrypt", key))
        if right.action == "s3:PutObject":
            needs.add(Right("kms:GenerateDataKey", key))
    for _, function in stage.resources("AWS::Lambda::Function"):
        if flat(function["Role"]) == f"<{role}>":
            needs.add(Right("kms:Decrypt", flat(function["KmsKeyArn"])))
    queues = {f"<{name}>": flat(queue["KmsMasterKeyId"]) for name, queue in stage.resources("AWS::SQS::Queue")}
    for right in rights:
        if right.action == "sqs:SendMessage":
            needs |= {Right(f"kms:{action}", queues[right.resource]) for action in ("Decrypt", "GenerateDataKey")}
    return needs


def test_whoever_reads_or_writes_what_is_encrypted_may_use_its_key_and_nobody_else(stage: Stage) -> None:
    for role in stage.roles():
        used = {right for right in stage.rights(role) if right.action in {"kms:Decrypt", "kms:GenerateDataKey"}}

        assert used == needs_of_keys(stage, role), role


def test_grants_are_made_for_the_volumes_of_jobs_and_hosts_and_for_captured_requests_only(stage: Stage) -> None:
    granting = {}
    for role in stage.roles():
        keys = {right.resource for right in stage.rights(role) if right.action == "kms:CreateGrant"}
        if keys:
            granting[role[:-8]] = {key[1:-9] for key in keys}
            assert stage.conditions(role, "kms:CreateGrant") == [FOR_AWS_ONLY]

    assert granting == {
        "TrainingRole": {"Key"},
        "PipelineRole": {"Key"},
        "HostedRole": {"Key", "CaptureCaptureKey"},
        "TransformModelRole": {"Key"},
        "TransformRole": {"Key"},
    }


def key_statements(stage: Stage, name: str) -> list[dict[str, JsonValue]]:
    """The statements of a key's policy."""
    [policy] = [key["KeyPolicy"] for found, key in stage.resources("AWS::KMS::Key") if found[:-8] == name]
    return [dict(each) for each in objects(mapping(policy)["Statement"])]


def services(statement: dict[str, JsonValue]) -> list[str]:
    return [flat(each) for each in items(mapping(statement["Principal"]).get("Service"))]


def test_every_key_leaves_its_use_to_the_policies_of_roles_in_this_account(stage: Stage) -> None:
    """Without it no role could use a key, whatever its own policy allows."""
    for name, _ in stage.resources("AWS::KMS::Key"):
        [first, *_] = key_statements(stage, name[:-8])

        assert (first["Effect"], first["Action"], first["Resource"]) == ("Allow", "kms:*", "*")
        assert flat(mapping(first["Principal"])["AWS"]) == "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"


def test_only_the_operations_key_is_used_by_services_without_a_role(stage: Stage) -> None:
    named = {
        name[:-8]: sorted(service for each in key_statements(stage, name[:-8]) for service in services(each))
        for name, _ in stage.resources("AWS::KMS::Key")
    }

    assert named == {
        "Key": [],
        "CaptureCaptureKey": [],
        "OperationsKey": [
            "cloudwatch.amazonaws.com",
            "events.amazonaws.com",
            "logs.<AWS::Region>.<AWS::URLSuffix>",
        ],
    }


def test_whoever_sends_to_the_topic_and_the_queue_without_a_role_may_use_their_key(stage: Stage) -> None:
    senders = set()
    for kind in ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        for _, policy in stage.resources(kind):
            for statement in objects(mapping(policy["PolicyDocument"])["Statement"]):
                senders |= set(services(dict(statement))) if statement["Effect"] == "Allow" else set()
    allowed = {
        service: (set(items(each["Action"])), each["Condition"])
        for each in key_statements(stage, "OperationsKey")
        for service in services(each)
    }

    assert senders == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    for sender in senders:
        actions, condition = allowed[sender]
        assert actions == {"kms:Decrypt", "kms:GenerateDataKey*"}
        assert condition == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_cloudwatch_logs_may_use_the_key_that_every_log_group_is_under_for_groups_of_this_account(stage: Stage) -> None:
    under = {flat(group["KmsKeyId"])[1:-9] for _, group in stage.resources("AWS::Logs::LogGroup")}
    [logs] = [each for each in key_statements(stage, "OperationsKey") if "logs." in str(services(each))]

    assert under == {"OperationsKey"}
    assert set(items(logs["Action"])) == {
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
    }  # fmt: skip
    [(operator, context)] = mapping(logs["Condition"]).items()
    assert operator == "ArnLike"
    assert {name: flat(arn) for name, arn in mapping(context).items()} == {
        "kms:EncryptionContext:aws:logs:arn": ARN.format("logs", "log-group:*")
    }
