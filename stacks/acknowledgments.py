"""Findings that stand, each acknowledged on the one resource it is about, with the reason for whoever signs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import aws_cdk as cdk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

_TOKEN: Final = re.compile(r"(\$\{Token\[[^\]]*\]\})")

CHECKOV: Final = "CKV_"

PACKS: Final = ("AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless")
"""The packs by the names that their findings bear."""


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings (`pack-Rule`, or Checkov's `CKV_…`) on the resource that `construct` declares.

    They are written to the template too, in the form in which cdk-nag writes them and Checkov reads them: an auditor
    reads templates.
    """
    resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise TypeError(f"{construct.node.path} declares no one resource to acknowledge a finding on")
    nag = {finding: reason for finding, reason in reasons.items() if not finding.startswith(CHECKOV)}
    if nag:
        # All in one call: each is a round trip to the other process.
        cdk.Validations.of(resource).acknowledge(
            *(cdk.Acknowledgment(id=f"{_pack(finding)}::{finding}", reason=reason) for finding, reason in nag.items())
        )
    _add(resource, "cdk_nag", "rules_to_suppress", [{"id": each, "reason": reason} for each, reason in nag.items()])
    skipped = [{"id": each, "comment": reason} for each, reason in reasons.items() if each.startswith(CHECKOV)]
    _add(resource, "checkov", "skip", skipped)


def _pack(finding: str) -> str:
    return next(name for name in PACKS if finding.startswith(f"{name}-"))


def _add(resource: cdk.CfnResource, section: str, field: str, entries: list[dict[str, str]]) -> None:
    if not entries:
        return
    known = resource.get_metadata(section)
    before = known[field] if isinstance(known, dict) else []
    resource.add_metadata(section, {field: [*before, *entries]})


def everywhere(rule: str, reason: str, *, packs: tuple[str, ...]) -> dict[str, str]:
    """Return the same acknowledgment for each of several packs that share a rule."""
    return {f"{pack}-{rule}": reason for pack in packs}


def flattened(resource: str, stack: cdk.Stack) -> str:
    """Return a policy's resource as cdk-nag names it in a finding.

    A reference to another stack becomes an import only when the app is synthesized. So that its name is known now, the
    export is declared now; it is the one that CDK would declare by itself.
    """
    return "".join(
        _flattened_token(part, stack) if _TOKEN.fullmatch(part) else part for part in _TOKEN.split(resource) if part
    )


def _flattened_token(text: str, stack: cdk.Stack) -> str:
    token = cdk.Tokenization.reverse_string(text).first_token
    if token is not None and cdk.Reference.is_reference(token):
        owner = cdk.Stack.of(cast("cdk.Reference", token).target)
        if owner.node.path != stack.node.path:
            return str(stack.resolve(owner.export_value(text))["Fn::ImportValue"])
    return _flattened_value(stack.resolve(text))


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
