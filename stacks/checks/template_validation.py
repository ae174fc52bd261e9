"""CDK's own validator of templates, asked about those that it has not passed yet.

Its engine takes about a second of two cores to get ready, a third of a whole synth, and says the same of the same
template every time. So what it passed without a word is remembered, by a hash of all that it is asked about.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

from stacks.checks.remembered import question

if TYPE_CHECKING:
    from stacks.checks.remembered import Remembered

CDK_VALIDATOR: Final = "CloudFormation Validate"
"""The name by which CDK knows its validator, in reports and when it turns errors into warnings."""
_OFF: Final = "false"


def validators(remembered: Remembered) -> list[TemplateValidator]:
    """Return the validator for the app to be given; none where CDK_VALIDATION is `false`, as CDK has it."""
    return [] if os.environ.get("CDK_VALIDATION") == _OFF else [TemplateValidator(remembered)]


@jsii.implements(cdk.IPolicyValidationPlugin)
class TemplateValidator:
    """CDK's validator, with a memory of what it passed.

    Args:
        remembered: where it is remembered.
    """

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered

    @property
    def name(self) -> str:
        """The plugin's name in the report: CDK's validator's."""
        return CDK_VALIDATOR

    @property
    def version(self) -> str | None:
        """None: it is that of the installed CDK."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None: to ask the engine, it would have to be made ready."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Have the templates validated, unless these very ones passed before."""
        asked = question(context, "aws-cdk-lib")
        if self._remembered.answer(asked) is not None:
            return cdk.PolicyValidationPluginReport(success=True, violations=[])
        # What the engine itself knows is always there. The rules that are included besides are on GameLift alone, and
        # take it a third of its time to get ready; there is a test that they are no others.
        report = cdk.CloudFormationValidatePlugin(include_default_rules=False).validate(context)
        if report.success and not report.violations:
            self._remembered.remember(asked, answer=True)
        return report
