"""Rules on buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, JsonValue, Resource, Rule, Template, items, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET: Final = "AWS::S3::Bucket"
POLICY: Final = "AWS::S3::BucketPolicy"
LOCKS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def log_targets(template: Template) -> set[str]:
    """Return the logical ids of the buckets that other buckets' access logs go to."""
    targets = (
        reference(bucket.get("LoggingConfiguration", "DestinationBucketName")) for bucket in template.resources(BUCKET)
    )
    return {target for target in targets if target is not None}


def default_encryption(bucket: Resource) -> dict[str, JsonValue]:
    """Return the bucket's encryption by default, empty where it has none."""
    rules = objects(bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration"))
    return dict(mapping(rules[0].get("ServerSideEncryptionByDefault"))) if rules else {}


@rule("TM-BUCKET-PRIVATE", "A bucket blocks public access in all four ways", "One wrong ACL or policy would publish it")
def private(template: Template) -> Iterator[Fault]:
    """Look at the public access block."""
    for bucket in template.resources(BUCKET):
        for lock in LOCKS:
            if bucket.get("PublicAccessBlockConfiguration", lock) is not True:
                path = f"Properties/PublicAccessBlockConfiguration/{lock}"
                yield Fault(bucket.logical_id, path, f"the bucket does not set {lock}")


@rule("TM-BUCKET-TLS", "A bucket refuses what does not come by TLS", "Documents would cross the network readable")
def tls_only(template: Template) -> Iterator[Fault]:
    """Look for the denial in the bucket's policy."""
    safe = set()
    for policy in template.resources(POLICY):
        for statement in objects(policy.get("PolicyDocument", "Statement")):
            unencrypted = mapping(mapping(statement.get("Condition")).get("Bool")).get("aws:SecureTransport")
            if (
                statement.get("Effect") == "Deny"
                and "s3:*" in items(statement.get("Action"))
                and unencrypted == "false"
            ):
                safe.add(reference(policy.get("Bucket")))
    for bucket in template.resources(BUCKET):
        if bucket.logical_id not in safe:
            yield Fault(bucket.logical_id, "Properties", "no policy denies requests without TLS")


@rule("TM-BUCKET-NOT-SHARED", "No bucket policy allows everybody, or another account", "Strangers could read documents")
def not_shared(template: Template) -> Iterator[Fault]:
    """Look at whom bucket policies allow."""
    for policy in template.resources(POLICY):
        for number, statement in enumerate(objects(policy.get("PolicyDocument", "Statement"))):
            if statement.get("Effect") != "Allow":
                continue
            principal = statement.get("Principal")
            accounts = [principal] if isinstance(principal, str) else items(mapping(principal).get("AWS"))
            for account in accounts:
                if isinstance(account, str):
                    path = f"Properties/PolicyDocument/Statement/{number}/Principal"
                    yield Fault(policy.logical_id, path, f"the bucket is open to {account}")


@rule("TM-BUCKET-VERSIONED", "A bucket is versioned", "An overwritten or deleted corpus or model would be gone")
def versioned(template: Template) -> Iterator[Fault]:
    """Look at versioning."""
    for bucket in template.resources(BUCKET):
        if bucket.get("VersioningConfiguration", "Status") != "Enabled":
            yield Fault(bucket.logical_id, "Properties/VersioningConfiguration", "the bucket is not versioned")


@rule(
    "TM-BUCKET-KEY",
    "A bucket is under a customer-managed key, but for one that access logs go to",
    "Nobody could withdraw access to what is stored by closing one key",
)
def under_key(template: Template) -> Iterator[Fault]:
    """Look at the encryption by default."""
    targets = log_targets(template)
    for bucket in template.resources(BUCKET):
        encryption = default_encryption(bucket)
        if bucket.logical_id in targets:
            continue
        if encryption.get("SSEAlgorithm") != "aws:kms" or not encryption.get("KMSMasterKeyID"):
            path = "Properties/BucketEncryption"
            yield Fault(bucket.logical_id, path, "the bucket is not encrypted under a customer-managed key")


@rule(
    "TM-BUCKET-LOG-TARGET",
    "The bucket that access logs go to is encrypted by S3's own keys",
    "Log delivery cannot write under a KMS key, and loses the logs without a word",
)
def log_target(template: Template) -> Iterator[Fault]:
    """Look at the encryption of the targets of access logs."""
    for bucket in template.resources(BUCKET):
        if bucket.logical_id in log_targets(template) and default_encryption(bucket).get("SSEAlgorithm") != "AES256":
            path = "Properties/BucketEncryption"
            yield Fault(bucket.logical_id, path, "access logs cannot be delivered here: set SSE-S3 (AES256)")


@rule("TM-BUCKET-LOGGED", "Access to a bucket is logged", "Nobody could tell afterwards who read what")
def logged(template: Template) -> Iterator[Fault]:
    """Look for a target of access logs."""
    for bucket in template.resources(BUCKET):
        if bucket.logical_id not in log_targets(template) and bucket.get("LoggingConfiguration") is None:
            yield Fault(bucket.logical_id, "Properties/LoggingConfiguration", "access to the bucket is not logged")


@rule("TM-BUCKET-LIFECYCLE", "A bucket forgets old versions", "What was deleted would be kept, and paid for, for ever")
def lifecycle(template: Template) -> Iterator[Fault]:
    """Look for an expiration of versions that are no longer current."""
    for bucket in template.resources(BUCKET):
        rules = objects(bucket.get("LifecycleConfiguration", "Rules"))
        if not any(entry.get("Status") == "Enabled" and "NoncurrentVersionExpiration" in entry for entry in rules):
            yield Fault(bucket.logical_id, "Properties/LifecycleConfiguration", "old versions never expire")


@rule("TM-BUCKET-OWNED", "What is put into a bucket is its owner's", "ACLs could hand objects to other accounts")
def owned(template: Template) -> Iterator[Fault]:
    """Look at object ownership."""
    for bucket in template.resources(BUCKET):
        controls = objects(bucket.get("OwnershipControls", "Rules"))
        if not any(control.get("ObjectOwnership") == "BucketOwnerEnforced" for control in controls):
            yield Fault(bucket.logical_id, "Properties/OwnershipControls", "the bucket takes ACLs")


@rule("TM-BUCKET-KEPT", "A hardened stage's buckets outlive their stack", "One command would delete corpora and models")
def kept(template: Template) -> Iterator[Fault]:
    """Look at the deletion policy, where the stage is hardened."""
    for bucket in template.resources(BUCKET) if template.hardened else ():
        if bucket.body.get("DeletionPolicy") != "Retain":
            yield Fault(bucket.logical_id, "DeletionPolicy", "the bucket is deleted with its stack")


@rule(
    "TM-BUCKET-POLICY-KEPT",
    "The policy of a bucket that outlives its stack outlives it too",
    "What is kept would be open to whatever the account's own policies allow, and by plain HTTP",
)
def policy_kept(template: Template) -> Iterator[Fault]:
    """Compare the deletion policies of buckets and of their policies."""
    kept_buckets = {
        bucket.logical_id for bucket in template.resources(BUCKET) if bucket.body.get("DeletionPolicy") == "Retain"
    }
    for policy in template.resources(POLICY):
        if reference(policy.get("Bucket")) in kept_buckets and policy.body.get("DeletionPolicy") != "Retain":
            yield Fault(policy.logical_id, "DeletionPolicy", "the policy is deleted and its bucket is kept")


RULES: Final[tuple[Rule, ...]] = (
    private,
    tls_only,
    not_shared,
    versioned,
    under_key,
    log_target,
    logged,
    lifecycle,
    owned,
    kept,
    policy_kept,
)
