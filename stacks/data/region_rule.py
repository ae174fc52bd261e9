"""The first stack's rule on regions: where something is lacking, the deploy ends before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from stacks.shared import regions

if TYPE_CHECKING:
    from stacks.settings.stage import StageSettings


def refuse_regions(stack: cdk.Stack, settings: StageSettings) -> None:
    """Have CloudFormation refuse the regions that lack what the stage asks for.

    A stage that names its region was refused at synth; one that does not has a template for every region.
    """
    lacking = regions.lacking(settings)
    if not lacking:
        return
    cdk.CfnRule(
        stack,
        "RegionHasWhatIsAskedFor",
        assertions=[
            cdk.CfnRuleAssertion(
                assert_=cdk.Fn.condition_not(cdk.Fn.condition_contains(names, cdk.Aws.REGION)),
                assert_description=f"{clause} (as of {regions.AS_OF})",
            )
            for clause, names in lacking.items()
        ],
    )
