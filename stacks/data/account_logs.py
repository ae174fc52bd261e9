"""The log groups of SageMaker's jobs, which are one an account and region, and everybody's in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from rules.log_groups import SHARED
from stacks.shared.deployment_function import DeploymentFunction

if TYPE_CHECKING:
    from stacks.settings.stage import AccountLogSettings
    from stacks.shared.platform import Platform


class AccountLogs(Construct):
    """Sets their retention and key, for a stage whose owner is the account's.

    A template must neither make nor delete them: a second stage could not be deployed, and destroying the first would
    take everybody's logs along. So a function sets what is asked, and leaves it so when the stack is destroyed.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: AccountLogSettings, platform: Platform
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        groups = [
            stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"{group}:*",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for group in SHARED
        ]
        actions = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
        properties: dict[str, object] = {
            "LogGroups": list(SHARED),
            "RetentionDays": settings.retention_days,
        }
        if settings.kms_key_arn is not None:
            actions.append("logs:AssociateKmsKey")
            properties["KmsKeyArn"] = settings.kms_key_arn
        DeploymentFunction(
            self,
            "Keeper",
            handler="deploy.account_logs.handle",
            description="Sets retention and key of the account's log groups of SageMaker jobs; deletes nothing",
            platform=platform,
        ).allow(
            *actions,
            on=groups,
            because="The end of the ARN stands for the group's streams, of which none is named: CloudWatch Logs asks "
            "for it in policies on a group.",
        ).custom_resource("Groups", kind="AccountLogGroups", properties=properties)
