"""AWS's managed policies: MiniStack has 34, and lets any other be attached, where it grants nothing.

The table is what moto keeps of AWS's documents, in their default versions; `scripts/managed_policies.py` writes it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from local_cloud.shared import emulator, private_names
from local_cloud.shared.wire import JsonObject

TABLE = Path(__file__).with_name("managed_policies.tsv.gz")
_ATTACHING = {
    "AttachRolePolicy": private_names.IAM_ATTACH_TO_ROLE,
    "AttachUserPolicy": private_names.IAM_ATTACH_TO_USER,
    "AttachGroupPolicy": private_names.IAM_ATTACH_TO_GROUP,
}


def install() -> None:
    """Make every one known, and refuse to attach what is not there: over the API and in templates."""
    private_names.IAM_SEED.wrap(_with_all)
    private_names.IAM_SEED.get()()
    handlers = private_names.IAM_HANDLERS.get()
    for action, name in _ATTACHING.items():
        emulator.refuse_before(name, _problem)
        handlers[action] = name.get()
    private_names.IAM_ATTACH.wrap(_of_a_policy_that_is_there)


def require(arn: str) -> None:
    """Check that a template's policy is there.

    Raises:
        ValueError: it is not, with the reason that CloudFormation shows.
    """
    problem = _problem({"PolicyArn": arn})
    if problem is not None:
        raise ValueError(problem.message)


def _with_all(seed: Callable[[], None]) -> Callable[[], None]:
    def seeded() -> None:
        seed()
        known, make = private_names.IAM_MANAGED.get(), private_names.IAM_MANAGED_RECORD.get()
        with gzip.open(TABLE, "rt", encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                name, version, made, changed, document = line.rstrip("\n").split("\t")
                record = make(name, document)
                # Its own have descriptions, which the table has not.
                record["Description"] = known.get(record["Arn"], record)["Description"]
                record |= {"CreateDate": made, "UpdateDate": changed, "DefaultVersionId": version}
                shown = {"VersionId": version, "IsDefaultVersion": True, "CreateDate": changed, "Document": document}
                record["Versions"] = {version: shown}
                known[record["Arn"]] = record

    return seeded


@dataclass(frozen=True)
class _NoSuchPolicy:
    message: str

    def response(self) -> emulator.Response:
        answer: emulator.Response = private_names.IAM_ERROR.get()(404, "NoSuchEntity", escape(self.message), ns="iam")
        return answer


def _problem(asked: JsonObject) -> _NoSuchPolicy | None:
    # A request's parameters are lists of one; a template's user gives the text itself.
    given = asked.get("PolicyArn")
    arn = str(given[0] if isinstance(given, list) and given else given)
    if private_names.IAM_KNOWN.get()(arn):
        return None
    return _NoSuchPolicy(f"Policy {arn[:256]} does not exist or is not attachable.")


def _of_a_policy_that_is_there(attach: Callable[[JsonObject, str], None]) -> Callable[[JsonObject, str], None]:
    def attached(entity: JsonObject, arn: str) -> None:
        require(arn)
        attach(entity, arn)

    return attached
