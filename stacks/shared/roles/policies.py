"""Small translations from settings to what CDK's constructs take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_logs as logs

from rules.model import STAGE_METADATA

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.settings.stage import StageSettings

_RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}


def retention_days(days: int) -> logs.RetentionDays:
    """Return CDK's name for a log retention in days."""
    return _RETENTION[days]


def add_stage_metadata(stack: cdk.Stack, stage: str, settings: StageSettings) -> None:
    """Say in the template whose stage it is of, and what it promises: rules and auditors read templates alone."""
    stack.template_options.metadata = {STAGE_METADATA: {"Name": stage, "Hardened": settings.hardened}}
