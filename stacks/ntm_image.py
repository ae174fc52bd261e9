"""The ECR image of SageMaker's built-in NTM, which every region keeps in a registry account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from stacks.regions import REGISTRY_ACCOUNTS, REPOSITORY, TAG

if TYPE_CHECKING:
    from collections.abc import Sequence


class NtmImage(Construct):
    """The image's URI and ARN in whichever region the template is deployed to; elsewhere the deploy is refused."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        accounts = cdk.CfnMapping(
            self,
            "Registry",
            mapping={region: {"Account": account} for region, account in REGISTRY_ACCOUNTS.items()},
        )
        cdk.CfnRule(
            self,
            "RegionHasNtm",
            assertions=[
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_contains(_regions(), cdk.Aws.REGION),
                    assert_description=f"SageMaker has no NTM image in this region, only in {', '.join(_regions())}",
                )
            ],
        )
        account = accounts.find_in_map(cdk.Aws.REGION, "Account")
        self.uri = f"{account}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{REPOSITORY}:{TAG}"
        """What SageMaker pulls."""
        self.repository_arn = stack.format_arn(
            service="ecr", account=account, resource="repository", resource_name=REPOSITORY
        )
        """What a role must be allowed to pull."""


def _regions() -> Sequence[str]:
    return sorted(REGISTRY_ACCOUNTS)
