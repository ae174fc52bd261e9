"""What an organisation asks of every role: a boundary, a path, and how its name begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import IConstruct

    from stacks.settings.organisation import OrganisationSettings

UNIQUE_CHARACTERS: Final = 20
"""Of a role's name: with prefix, stage, region and dashes it stays within IAM's 64."""


def hold_roles(app: cdk.App, stage: str, settings: OrganisationSettings) -> None:
    """Have every role of the app follow the organisation's conventions."""
    if settings.permissions_boundary is not None:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(app, "OrganisationBoundary", settings.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(boundary)
    if settings.role_path != "/" or settings.role_name_prefix is not None:
        cdk.Aspects.of(app).add(_NamesRoles(stage, settings))


@jsii.implements(cdk.IAspect)
class _NamesRoles:
    def __init__(self, stage: str, settings: OrganisationSettings) -> None:
        self._stage, self._settings = stage, settings

    def visit(self, node: IConstruct) -> None:
        if not isinstance(node, iam.CfnRole):
            return
        if self._settings.role_path != "/":
            node.path = self._settings.role_path
        if self._settings.role_name_prefix is not None:
            unique = cdk.Names.unique_resource_name(node, max_length=UNIQUE_CHARACTERS)
            node.role_name = f"{self._settings.role_name_prefix}{self._stage}-{unique}-{cdk.Aws.REGION}"
