"""Findings that stand, each acknowledged on the one resource it is about, with the reason for whoever signs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

_TOKEN: Final = re.compile(r"(\$\{Token\[[^\]]*\]\})")

CHECKOV: Final = "CKV_"

PACKS: Final = ("AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless")
"""The packs by the names that their findings bear."""


class _Acknowledged:
    """What is acknowledged of one resource so far. Kept here, since to ask CDK is a round trip to another process."""

    def __init__(self, resource: cdk.CfnResource) -> None:
        self._resource = resource
        self._validations = cdk.Validations.of(resource)
        self._told: dict[str, list[dict[str, str]]] = {}

    def add(self, nag: Mapping[str, str], checkov: Mapping[str, str]) -> None:
        if nag:
            self._validations.acknowledge(
                *(cdk.Acknowledgment(id=f"{_pack(each)}::{each}", reason=reason) for each, reason in nag.items())
            )
        self._tell("cdk_nag", "rules_to_suppress", [{"id": each, "reason": reason} for each, reason in nag.items()])
        self._tell("checkov", "skip", [{"id": each, "comment": reason} for each, reason in checkov.items()])

    def _tell(self, section: str, field: str, entries: list[dict[str, str]]) -> None:
        if entries:
            acknowledged = self._told.setdefault(section, [])
            acknowledged.extend(entries)
            self._resource.add_metadata(section, {field: acknowledged})


_ACKNOWLEDGED: Final[WeakKeyDictionary[IConstruct, _Acknowledged]] = WeakKeyDictionary()
_FLATTENED: Final[WeakKeyDictionary[cdk.Stack, dict[str, str]]] = WeakKeyDictionary()


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings (`pack-Rule`, or Checkov's `CKV_…`) on the resource that `construct` declares.

    They are written to the template too, in the form in which cdk-nag writes them and Checkov reads them: an auditor
    reads templates.
    """
    if construct not in _ACKNOWLEDGED:
        resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
        if not isinstance(resource, cdk.CfnResource):
            raise TypeError(f"{construct.node.path} declares no one resource to acknowledge a finding on")
        _ACKNOWLEDGED[construct] = _Acknowledged(resource)
    checkov = {finding: reason for finding, reason in reasons.items() if finding.startswith(CHECKOV)}
    nag = {finding: reason for finding, reason in reasons.items() if finding not in checkov}
    _ACKNOWLEDGED[construct].add(nag, checkov)


def _pack(finding: str) -> str:
    return next(name for name in PACKS if finding.startswith(f"{name}-"))


def everywhere(rule: str, reason: str, *, packs: tuple[str, ...]) -> dict[str, str]:
    """Return the same acknowledgment for each of several packs that share a rule."""
    return {f"{pack}-{rule}": reason for pack in packs}


def flattened(resource: str, stack: cdk.Stack) -> str:
    """Return a policy's resource as cdk-nag names it in a finding."""
    return "".join(
        _flattened_token(part, stack) if _TOKEN.fullmatch(part) else part for part in _TOKEN.split(resource) if part
    )


def _flattened_token(text: str, stack: cdk.Stack) -> str:
    known = _FLATTENED.setdefault(stack, {})
    if text not in known:
        known[text] = _flattened_value(stack.resolve(text))
    return known[text]


def _flattened_value(value: object) -> str:
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    if not isinstance(value, dict) or len(value) != 1:
        raise TypeError(f"{value!r} is no reference that a policy's resource is made of")
    [(function, argument)] = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(_flattened_value(part) for part in argument[1])
    if function == "Fn::GetAtt":
        return f"<{argument[0]}.{argument[1]}>"
    return f"<{argument}>" if function == "Ref" else _flattened_value(argument)
