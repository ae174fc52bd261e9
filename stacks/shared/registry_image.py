"""An ECR image that every region keeps in a registry account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

if TYPE_CHECKING:
    from rules.aws_images import Image


class RegistryImage(Construct):
    """The image's URI and ARN in whichever region the template is deployed to; elsewhere the deploy is refused."""

    def __init__(self, scope: Construct, construct_id: str, image: Image) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        regions = sorted(image.accounts)
        accounts = cdk.CfnMapping(
            self,
            "Registry",
            mapping={region: {"Account": account} for region, account in image.accounts.items()},
        )
        cdk.CfnRule(
            self,
            "RegionHasNtm",
            assertions=[
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_contains(regions, cdk.Aws.REGION),
                    assert_description=f"SageMaker has no {image.called} in this region, only in {', '.join(regions)}",
                )
            ],
        )
        account = accounts.find_in_map(cdk.Aws.REGION, "Account")
        self.uri = f"{account}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{image.repository}:{image.tag}"
        """What SageMaker pulls."""
        self.repository_arn = stack.format_arn(
            service="ecr", account=account, resource="repository", resource_name=image.repository
        )
        """What a role must be allowed to pull."""
