"""Keys and a log bucket that no template makes, in what an auditor reads."""

from __future__ import annotations

import json

from audit import flows, stores
from audit.assembly import Assembly, assemble

KEY = "arn:aws:kms:us-east-1:210987654321:key/21111111-2222-3333-4444-555555555555"
DEFAULT = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [DEFAULT]},
        "LoggingConfiguration": {"DestinationBucketName": "archive", "LogFilePrefix": "TopicModel-dev/corpora/"},
    },
}


def assembly() -> Assembly:
    return assemble({"Data": json.dumps({"Resources": {"Corpora": BUCKET}}, indent=1)}, None)


def test_a_store_under_a_named_key_is_told_with_the_keys_arn() -> None:
    read = assembly()
    [(stack, bucket)] = read.resources("AWS::S3::Bucket")

    assert stores.encryption(read, stack, bucket) == f"SSE-KMS, {KEY}"


def test_logs_that_go_into_a_named_bucket_are_a_flow() -> None:
    [flow] = flows.flows(assembly())

    assert (flow.source.name, flow.target.name, flow.at_rest) == ("Corpora", "archive", "its owner's")
