"""Whether the keys and the log bucket that the settings name let the stage use them; changes nothing.

Their policies are their owner's: what is missing is printed as the statement to add.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.checks import Answer, Place
from operations.ports import Client
from rules.model import JsonValue, items, mapping, objects
from stacks.data import policy_statements
from stacks.data.policy_statements import Home, Statement
from stacks.settings.place_names import DNS_SUFFIXES, region_of

KEYS: Final = "keys"
ACCESS_LOGS: Final = "access logs"
_WITHOUT_TLS: Final[JsonValue] = {"Bool": {"aws:SecureTransport": "false"}}
"""The condition of a denial that AWS's services never meet."""
FIRST_REGION: Final = "us-east-1"
"""The region of buckets that name none."""


def home(caller: str, region: str) -> Home:
    """Return the place of a caller's account, by the caller's ARN, and a region."""
    partition, account = caller.split(":")[1], caller.split(":")[4]
    return Home(partition, region, account, DNS_SUFFIXES.get(partition, "amazonaws.com"))


def keys_may_be_used(kms: Client, place: Place, home: Home) -> Iterator[Answer]:
    """Look at each key that the settings name: its region, its state, its kind, and what its policy says."""
    if not place.settings.keys.named:
        yield Answer(KEYS, "good", "the stage makes its own")
    for purpose, arn in place.settings.keys.named.items():
        needed = policy_statements.of_named_key(purpose, place.settings, home)
        try:
            fault = _fault_of_key(kms, arn, place.region)
            policy = None if fault else str(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
        except (BotoCoreError, ClientError) as error:
            says = f"keys.{purpose} {arn} could not be looked at ({error}); its policy must have: {json.dumps(needed)}"
            yield Answer(KEYS, "unknown", says)
            continue
        if policy is None:
            yield Answer(KEYS, "bad", f"keys.{purpose} {arn} {fault}")
        else:
            yield _judged(KEYS, f"keys.{purpose} {arn}", policy, needed, arn)


def access_logs_are_taken(s3: Client, place: Place, home: Home) -> Answer:
    """Look at the bucket of access logs that the settings name: its region, encryption, and what its policy says."""
    bucket = place.settings.organisation.access_log_bucket
    if bucket is None:
        return Answer(ACCESS_LOGS, "good", "the stage makes a bucket for them")
    needed = policy_statements.of_access_logs(bucket, place.stage, home)
    try:
        region = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or FIRST_REGION
        encryption = _unless(
            "ServerSideEncryptionConfigurationNotFoundError", lambda: s3.get_bucket_encryption(Bucket=bucket)
        )
        policy = _unless("NoSuchBucketPolicy", lambda: s3.get_bucket_policy(Bucket=bucket)).get("Policy", "{}")
    except (BotoCoreError, ClientError) as error:
        says = f"{bucket} could not be looked at ({error}); its policy must have: {json.dumps(needed)}"
        return Answer(ACCESS_LOGS, "unknown", says)
    if region != place.region:
        return Answer(ACCESS_LOGS, "bad", f"{bucket} is in {region}: S3 logs to buckets of {place.region} only")
    if "aws:kms" in str(encryption):
        return Answer(ACCESS_LOGS, "bad", f"{bucket} encrypts by KMS, where access logs are lost: set SSE-S3 (AES256)")
    return _judged(ACCESS_LOGS, bucket, str(policy), [needed], str(needed["Resource"]))


def _fault_of_key(kms: Client, arn: str, region: str) -> str:
    """Return what keeps a key from being used, '' where nothing does."""
    if region_of(arn) != region:
        return f"is in another region than the stage, which is in {region}"
    key = mapping(_json(kms.describe_key(KeyId=arn)["KeyMetadata"]))
    if key.get("KeyState") != "Enabled":
        return f"is {key.get('KeyState')}: enable it"
    if key.get("KeySpec") != "SYMMETRIC_DEFAULT" or key.get("KeyUsage") != "ENCRYPT_DECRYPT":
        return f"is a key of {key.get('KeySpec')} to {key.get('KeyUsage')}: name a symmetric one that encrypts"
    return ""


def _unless(code: str, call: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    """Return what a call answers, nothing where AWS says by `code` that there is nothing."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return {}


def _judged(check: str, what: str, policy: str, needed: list[Statement], resource: str) -> Answer:
    statements = objects(mapping(json.loads(policy)).get("Statement"))
    verdicts = {json.dumps(each): _verdict(statements, each, resource) for each in needed}
    missing = [text for text, verdict in verdicts.items() if verdict == "missing"]
    if missing:
        return Answer(check, "bad", f"the policy of {what} lacks [{', '.join(missing)}]: have its owner add that")
    unsure = [text for text, verdict in verdicts.items() if verdict == "conditional"]
    if unsure:
        says = f"the policy of {what} has conditions or denials that are not evaluated here: it must allow "
        return Answer(check, "unknown", f"{says}[{', '.join(unsure)}]")
    return Answer(check, "good", f"{what} may be used")


def _verdict(
    found: list[Mapping[str, JsonValue]], needed: Statement, resource: str
) -> Literal["there", "conditional", "missing"]:
    """Tell whether a policy allows all of a statement: every principal, every action, on the resource."""
    [(kind, named)] = mapping(needed["Principal"]).items()
    sure = True
    for principal in items(named):
        for action in items(needed["Action"]):
            about = [each for each in found if _is_about(each, kind, str(principal), str(action), resource)]
            allowing = [each for each in about if each.get("Effect") == "Allow"]
            if not allowing:
                return "missing"
            plain = any(_allows_plainly(each, kind, str(principal), needed.get("Condition")) for each in allowing)
            sure = sure and plain and all(each in allowing or each.get("Condition") == _WITHOUT_TLS for each in about)
    return "there" if sure else "conditional"


def _is_about(statement: Mapping[str, JsonValue], kind: str, principal: str, action: str, resource: str) -> bool:
    """Tell whether a statement may be about a principal, or some of an account, an action and a resource."""
    part = principal.removesuffix("root") if kind == "AWS" else principal
    return (
        any(each == "*" or each.startswith(part) for each in _principals(statement, kind, principal))
        and any(_matches(str(each), action) for each in items(statement.get("Action", "*")))
        and any(_matches(str(each), resource) for each in items(statement.get("Resource", "*")))
    )


def _allows_plainly(statement: Mapping[str, JsonValue], kind: str, principal: str, condition: object) -> bool:
    """Tell whether a statement names the principal itself, without exceptions or conditions of its own."""
    return (
        not any(name.startswith("Not") for name in statement)
        and bool({"*", principal} & set(_principals(statement, kind, principal)))
        and statement.get("Condition") in (None, {}, condition)
    )


def _principals(statement: Mapping[str, JsonValue], kind: str, principal: str) -> list[str]:
    """Return whom a statement names of a kind; an account's number is its root, and all of AWS everybody."""
    given = statement.get("Principal", "*")
    if not isinstance(given, dict):
        return [str(given)]
    named = [str(each) for each in items(given.get(kind))]
    everybody = ["*"] if "*" in items(given.get("AWS")) else []
    account = principal.partition("::")[0]
    return everybody + [f"{account}::{each}:root" if each.isdigit() else each for each in named]


def _matches(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE) is not None


def _json(value: object) -> JsonValue:
    return cast("JsonValue", value)
