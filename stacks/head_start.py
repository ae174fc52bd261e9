"""What makes a synth quicker: two processes that work side by side instead of waiting for each other.

CDK checks every template by an engine that takes more than a second to get ready, in the Node process where CDK's code
runs. Python takes half as long to import what the stacks are made of. Here the one goes on beside the other.
"""

from __future__ import annotations

import gc
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import aws_cdk as cdk

_OFF: Final = "false"


class HeadStart:
    """CDK's libraries and its validator of templates, on their way.

    Until `validators` returns, nobody else may ask CDK for anything: Node answers one at a time. Importing asks for
    nothing once the libraries are loaded, which the import waits for, and there is a test that it stays so.
    """

    def __init__(self) -> None:
        # A synth lives for seconds, and what it imports lives as long: there is nothing to collect.
        gc.disable()
        self._validator: Future[cdk.CloudFormationValidatePlugin] | None = None
        if os.environ.get("CDK_VALIDATION") != _OFF:
            pool = ThreadPoolExecutor(1, "template-validator")
            self._validator = pool.submit(_make)
            pool.shutdown(wait=False)

    def validators(self) -> list[cdk.CloudFormationValidatePlugin]:
        """Return CDK's validator for the app to be given, with all its rules but those on game servers.

        None where the environment's CDK_VALIDATION is `false`, as CDK has it.
        """
        return [] if self._validator is None else [self._validator.result()]


def _make() -> cdk.CloudFormationValidatePlugin:
    # Imported here, so that Node loads them before it is busy with the engine.
    import aws_cdk  # noqa: PLC0415
    import cdk_nag  # noqa: F401, PLC0415

    # What the engine itself knows is always there. The rules that are included besides are on GameLift alone, and take
    # it a third of its time to get ready; there is a test that they are no others.
    return aws_cdk.CloudFormationValidatePlugin(include_default_rules=False)
