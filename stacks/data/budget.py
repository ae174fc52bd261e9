"""What the stage may cost a month, by its tag, and who is told before it is more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_budgets as budgets

from stacks.shared.names import STAGE_TAG

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.settings.organisation import AlarmSettings, BudgetSettings

ACTUAL_PERCENT: Final = 80
FORECAST_PERCENT: Final = 100
"""Of the budget: what was spent, and what the month will come to, at which somebody is told."""


def declare_budget(
    scope: Construct, construct_id: str, *, stage: str, settings: BudgetSettings, alarms: AlarmSettings
) -> None:
    """Declare the budget. It has no name, since a change of who is told replaces it."""
    subscriber = budgets.CfnBudget.SubscriberProperty
    subscribers = [subscriber(subscription_type="EMAIL", address=each) for each in alarms.emails]
    if alarms.topic_arn is not None:
        subscribers = [subscriber(subscription_type="SNS", address=alarms.topic_arn)]
    budgets.CfnBudget(
        scope,
        construct_id,
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=settings.monthly_usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:{STAGE_TAG}${stage}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=subscribers,
            )
            for kind, percent in (("ACTUAL", ACTUAL_PERCENT), ("FORECASTED", FORECAST_PERCENT))
        ],
    )
