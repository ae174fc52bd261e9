"""The seeded faults: keys, data and identity. Those on jobs, hosting and the network are in `seeds_compute`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from audit.faults.seeded import Body, Editor, Seed, demands_tls
from rules.model import JsonValue

KEY, BUCKET, LOGS = "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Logs::LogGroup"
BUCKET_POLICY, POLICY, ROLE = "AWS::S3::BucketPolicy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role"
TOPIC, TOPIC_POLICY = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"
QUEUE, QUEUE_POLICY, ALARM = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::CloudWatch::Alarm"


def without(name: str, *path: str) -> Callable[[Editor], None]:
    """Return an edit that removes a property."""

    def edit(editor: Editor) -> None:
        del editor.at(*path)[name]

    return edit


def setting(name: str, value: JsonValue, *path: str) -> Callable[[Editor], None]:
    """Return an edit that sets a property."""

    def edit(editor: Editor) -> None:
        editor.at(*path)[name] = value

    return edit


def deleted_with_stack(editor: Editor) -> None:
    """Have the resource deleted with its stack."""
    editor.resource["DeletionPolicy"] = "Delete"


def without_tls_denial(editor: Editor) -> None:
    """Take the denial of requests without TLS out of the policy."""
    document = editor.at("PolicyDocument")
    document["Statement"] = [cast("JsonValue", one) for one in editor.statements() if not demands_tls(one)]


def without_readers(editor: Editor) -> None:
    """Take the list of readers out of the policy."""
    document = editor.at("PolicyDocument")
    document["Statement"] = [cast("JsonValue", one) for one in editor.statements() if demands_tls(one)]


def allowing(principal: JsonValue, action: str) -> Callable[[Editor], None]:
    """Return an edit that lets somebody in by the resource's policy."""

    def edit(editor: Editor) -> None:
        added: Body = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
        editor.items("PolicyDocument", "Statement").append(added)

    return edit


def public_key(editor: Editor) -> None:
    """Open a key to everybody."""
    added: Body = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
    editor.items("KeyPolicy", "Statement").append(added)


def logs_of_any_account(editor: Editor) -> None:
    """Let CloudWatch Logs use a key for whatever log group."""
    next(one for one in editor.statements("KeyPolicy") if "logs." in str(one["Principal"])).pop("Condition")


def right(action: str, resource: JsonValue) -> Callable[[Editor], None]:
    """Return an edit that gives a role one more right."""

    def edit(editor: Editor) -> None:
        added: Body = {"Effect": "Allow", "Action": action, "Resource": resource}
        editor.items("PolicyDocument", "Statement").append(added)

    return edit


def unconditional(action: str) -> Callable[[Editor], None]:
    """Return an edit that takes the condition from the statement that allows an action."""

    def edit(editor: Editor) -> None:
        del editor.allowing(action)["Condition"]

    return edit


def user(editor: Editor) -> None:
    """Make a user."""
    editor.resources["Somebody"] = {"Type": "AWS::IAM::User", "Properties": {}}


def trust(principal: JsonValue) -> Callable[[Editor], None]:
    """Return an edit that changes whom a role trusts."""

    def edit(editor: Editor) -> None:
        editor.statements("AssumeRolePolicyDocument")[0]["Principal"] = principal

    return edit


def trust_of_any_account(editor: Editor) -> None:
    """Have a role trust a service for whatever account."""
    del editor.statements("AssumeRolePolicyDocument")[0]["Condition"]


ANOTHER: Final = "arn:aws:iam::999999999999:root"
ADMIN: Final[JsonValue] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
INLINE: Final[JsonValue] = [{"PolicyName": "Hidden", "PolicyDocument": {"Statement": []}}]

SEEDS: Final = (
    Seed("A key is open to everybody", "TM-KEY-NOT-PUBLIC", "Data", KEY, public_key),
    Seed("A key is deleted with its stack", "TM-KEY-KEPT", "Data", KEY, deleted_with_stack),
    Seed(
        "CloudWatch Logs may use a key for any account",
        "TM-KEY-LOGS-OF-THIS-ACCOUNT",
        "Data",
        KEY,
        logs_of_any_account,
        "Operations",
    ),
    Seed("A bucket loses its key", "TM-BUCKET-KEY", "Data", BUCKET, without("BucketEncryption"), "Corpora"),
    Seed(
        "A bucket is open to another account",
        "TM-BUCKET-NOT-SHARED",
        "Data",
        BUCKET_POLICY,
        allowing({"AWS": ANOTHER}, "s3:GetObject"),
        "Artifacts",
    ),
    Seed("Old versions never expire", "TM-BUCKET-LIFECYCLE", "Data", BUCKET, without("LifecycleConfiguration"), "Corp"),
    Seed("A bucket takes ACLs", "TM-BUCKET-OWNED", "Data", BUCKET, without("OwnershipControls"), "Corpora"),
    Seed("A bucket is deleted with its stack", "TM-BUCKET-KEPT", "Data", BUCKET, deleted_with_stack, "Corpora"),
    Seed(
        "The policy of a bucket that is kept is deleted with its stack",
        "TM-BUCKET-POLICY-KEPT",
        "Data",
        BUCKET_POLICY,
        deleted_with_stack,
        "Capture",
    ),
    Seed(
        "Access logs are put under a key, and so lost",
        "TM-BUCKET-LOG-TARGET",
        "Data",
        BUCKET,
        setting("BucketEncryption", {"ServerSideEncryptionConfiguration": []}),
        "AccessLogs",
    ),
    Seed(
        "Captured documents are read by everybody in the account",
        "TM-CAPTURE-READERS",
        "Data",
        BUCKET_POLICY,
        without_readers,
        "Capture",
    ),
    Seed("A log group has no retention", "TM-LOGS-RETENTION", "Data", LOGS, without("RetentionInDays")),
    Seed("Logs are kept 30 days", "TM-LOGS-RETENTION", "Serving", LOGS, setting("RetentionInDays", 30), "Topics"),
    Seed(
        "A stack takes the account's log group",
        "TM-LOGS-NOT-SHARED",
        "Training",
        LOGS,
        setting("LogGroupName", "/aws/sagemaker/TrainingJobs"),
    ),
    Seed("A role may do all of S3", "TM-IAM-NO-WILD-ACTION", "Training", POLICY, right("s3:*", "arn:aws:s3:::one")),
    Seed(
        "A role may invoke every endpoint",
        "TM-IAM-NO-WILD-RESOURCE",
        "Serving",
        POLICY,
        right("sagemaker:InvokeEndpoint", "*"),
    ),
    Seed("A role may decrypt with every key", "TM-IAM-NO-WILD-RESOURCE", "Training", POLICY, right("kms:Decrypt", "*")),
    Seed(
        "The condition is removed from passing a role",
        "TM-IAM-PASS-ROLE",
        "Training",
        POLICY,
        unconditional("iam:PassRole"),
        "PipelineRole",
    ),
    Seed(
        "A role of whatever name may be passed",
        "TM-IAM-PASS-ROLE",
        "Training",
        POLICY,
        right("iam:PassRole", "arn:aws:iam::111111111111:role/*"),
        "PipelineRole",
    ),
    Seed(
        "Grants on a key may be made to anybody",
        "TM-IAM-GRANTS",
        "Training",
        POLICY,
        unconditional("kms:CreateGrant"),
        "PipelineRole",
    ),
    Seed(
        "Metrics of every namespace may be forged",
        "TM-IAM-METRICS",
        "Training",
        POLICY,
        unconditional("cloudwatch:PutMetricData"),
        "TrainingRole",
    ),
    Seed("A role trusts another account", "TM-IAM-TRUST", "Training", ROLE, trust({"AWS": ANOTHER}), "Begin"),
    Seed(
        "A role trusts SageMaker for any account",
        "TM-IAM-TRUST",
        "Training",
        ROLE,
        trust_of_any_account,
        "TrainingRole",
    ),
    Seed("A user is made", "TM-IAM-NO-USERS", "Training", ROLE, user),
    Seed(
        "A function may overwrite parameters of all",
        "TM-SSM-OWN-PATH",
        "Training",
        POLICY,
        right("ssm:PutParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/other"),
    ),
    Seed("The topic's TLS denial is removed", "TM-TOPIC-TLS", "Data", TOPIC_POLICY, without_tls_denial),
    Seed("Everybody may publish alarms", "TM-TOPIC-NOT-SHARED", "Data", TOPIC_POLICY, allowing("*", "sns:Publish")),
    Seed("The queue of lost events loses its key", "TM-QUEUE-KEY", "Data", QUEUE, without("KmsMasterKeyId")),
    Seed(
        "Everybody may read lost events",
        "TM-QUEUE-NOT-SHARED",
        "Data",
        QUEUE_POLICY,
        allowing("*", "sqs:ReceiveMessage"),
    ),
)
