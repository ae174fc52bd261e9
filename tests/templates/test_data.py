from __future__ import annotations

from aws_cdk.assertions import Match

from tests.templates.conftest import Synthesize, Templates

HASH = "ab" * 32


def test_every_bucket_is_private_and_versioned(dev: Templates) -> None:
    dev["data"].resource_count_is("AWS::S3::Bucket", 3)
    dev["data"].all_resources_properties(
        "AWS::S3::Bucket",
        {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    )


def test_every_bucket_refuses_what_does_not_come_by_tls(dev: Templates) -> None:
    dev["data"].resource_count_is("AWS::S3::BucketPolicy", 3)
    dev["data"].all_resources_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Effect": "Deny",
                                "Action": "s3:*",
                                "Principal": {"AWS": "*"},
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_corpora_and_artifacts_are_under_the_stages_own_rotated_key_and_logged(dev: Templates) -> None:
    dev["data"].has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})
    encrypted = dev["data"].find_resources(
        "AWS::S3::Bucket",
        {
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
                    ]
                },
                "LoggingConfiguration": Match.any_value(),
            }
        },
    )
    assert len(encrypted) == 2


def test_access_logs_are_under_s3s_own_key_since_log_delivery_loses_them_under_another(dev: Templates) -> None:
    found = dev["data"].find_resources(
        "AWS::S3::Bucket",
        {
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            }
        },
    )
    assert [name.startswith("AccessLogs") for name in found] == [True]


def test_dev_leaves_nothing_behind(dev: Templates) -> None:
    dev["data"].all_resources("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})
    dev["data"].all_resources("AWS::KMS::Key", {"DeletionPolicy": "Delete"})
    dev["data"].resource_count_is("Custom::EmptiedBucket", 3)


def test_prod_keeps_keys_and_buckets_and_empties_none(prod: Templates) -> None:
    prod["data"].all_resources("AWS::S3::Bucket", {"DeletionPolicy": "Retain"})
    prod["data"].all_resources("AWS::KMS::Key", {"DeletionPolicy": "Retain"})
    prod["data"].resource_count_is("Custom::EmptiedBucket", 0)


def test_a_prepared_corpus_is_uploaded_to_a_folder_of_its_hash(dev: Templates) -> None:
    dev["data"].has_resource_properties(
        "Custom::Corpus", {"Prefix": Match.string_like_regexp(r"^corpora/[0-9a-f]{64}/$")}
    )


def test_a_corpus_that_is_in_s3_is_neither_uploaded_nor_looked_at(synthesize: Synthesize) -> None:
    named = {"corpus": {"s3": {"bucket": "somebody-elses", "prefix": f"prepared/{HASH}"}}}

    templates = synthesize(named)

    templates["data"].resource_count_is("Custom::Corpus", 0)
    templates["training"].has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": Match.object_like(
                    {"CORPUS_BUCKET": "somebody-elses", "CORPUS_PREFIX": f"prepared/{HASH}/", "CORPUS_HASH": HASH}
                )
            }
        },
    )


def test_a_captured_request_and_its_hidden_version_live_no_longer_than_the_setting_says(prod: Templates) -> None:
    [bucket] = [
        body["Properties"]
        for name, body in prod["data"].find_resources("AWS::S3::Bucket").items()
        if name.startswith("CaptureCaptured")
    ]
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert rule["ExpirationInDays"] + rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
