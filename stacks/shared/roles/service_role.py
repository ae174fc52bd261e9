"""A role for one purpose, whose rights are one customer-managed policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam

from stacks.shared.acknowledgments import acknowledge, flattened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

NO_RESOURCE: Final = (
    "Only actions that take no resource in their ARN, or whose resource is not known before it is made "
    "(https://docs.aws.amazon.com/service-authorization); the test of statements holds the list of them."
)
INTERFACES: Final = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
SAGEMAKER_INTERFACES: Final = (
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
)


class Rights(iam.ManagedPolicy):
    """A customer-managed policy, each of whose wildcards is acknowledged with a reason."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        roles: Sequence[iam.IRole] = (),
        name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id, roles=list(roles), description=description, managed_policy_name=name)
        self._stack = cdk.Stack.of(scope)
        self._acknowledged: set[str] = set()

    def allow(
        self,
        *actions: str,
        on: Sequence[str],
        because: str | None = None,
        when: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Allow `actions` on the ARNs `on`, under the conditions `when`.

        `because` is why an ARN has a wildcard in it, for those who sign.
        """
        self.add_statements(
            iam.PolicyStatement(actions=list(actions), resources=list(on), conditions=dict(when) if when else None)
        )
        self.acknowledge_wildcards(*(resource for resource in on if "*" in resource), because=because)

    def acknowledge_wildcards(self, *resources: str, because: str | None) -> None:
        """Acknowledge that a statement is about `resources`, each of which has a wildcard in it."""
        findings = [f"AwsSolutions-IAM5[Resource::{flattened(resource, self._stack)}]" for resource in resources]
        new = [finding for finding in dict.fromkeys(findings) if finding not in self._acknowledged]
        if not new:
            return
        if not because:
            raise ValueError(f"{self.node.path}: {', '.join(new)}, and nothing says why it needs a wildcard")
        self._acknowledged.update(new)
        acknowledge(self, dict.fromkeys(new, because))


class ServiceRole(iam.Role):
    """Assumed by one service. Whatever a construct grants it goes into its managed policy: it has no inline one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        assumed_by: iam.IPrincipal,
        description: str,
        name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=assumed_by, description=description, role_name=name)
        self.rights = Rights(self, "Rights", roles=[self], description=description)

    @jsii.member(jsii_name="addToPrincipalPolicy")
    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the managed policy; CDK's grants call this."""
        self.rights.add_statements(statement)
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=self.rights)

    def allow(
        self,
        *actions: str,
        on: Sequence[str],
        because: str | None = None,
        when: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Allow `actions` on the ARNs `on`; see Rights."""
        self.rights.allow(*actions, on=on, because=because, when=when)

    def acknowledge_wildcard(self, resource: str, *, because: str | None) -> None:
        """Acknowledge a wildcard that CDK's own grants bring; see Rights."""
        self.rights.acknowledge_wildcards(resource, because=because)

    def allow_interfaces(self, *, sagemaker: bool = False) -> None:
        """Allow the service to put network interfaces into a VPC on behalf of whoever has the role."""
        self.allow(*INTERFACES, *(SAGEMAKER_INTERFACES if sagemaker else ()), on=["*"], because=NO_RESOURCE)
        checks = ("CKV_AWS_111", "CKV_AWS_109") if sagemaker else ("CKV_AWS_111",)
        acknowledge(self.rights, dict.fromkeys(checks, NO_RESOURCE))


def service_principal(service: str, stack: cdk.Stack) -> iam.PrincipalBase:
    """Return a service acting for this account only: no other account's jobs can borrow the role."""
    return iam.PrincipalWithConditions(
        iam.ServicePrincipal(service), {"StringEquals": {"aws:SourceAccount": stack.account}}
    )
