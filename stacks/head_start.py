"""What makes a synth quicker: two processes that work side by side instead of waiting for each other.

CDK checks every template by an engine that takes more than a second to get ready, in the Node process where CDK's code
runs. Python takes half as long to import what the stacks are made of. Here the one starts before the other.
"""

from __future__ import annotations

import gc
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import aws_cdk as cdk

# Node takes one request at a time: what must be loaded into it is loaded before it is busy with the engine.
import cdk_nag

_LOADED_FIRST: Final = cdk_nag
_OFF: Final = "false"


class HeadStart:
    """The validator of templates, on its way.

    Until `validators` returns, nobody else may ask CDK for anything. Importing asks for nothing, and there is a test
    that it stays so.
    """

    def __init__(self) -> None:
        # A synth lives for seconds, and what it imports lives as long: there is nothing to collect.
        gc.disable()
        self._validator: Future[cdk.CloudFormationValidatePlugin] | None = None
        if os.environ.get("CDK_VALIDATION") != _OFF:
            pool = ThreadPoolExecutor(1, "template-validator")
            self._validator = pool.submit(cdk.CloudFormationValidatePlugin)
            pool.shutdown(wait=False)

    def validators(self) -> list[cdk.CloudFormationValidatePlugin]:
        """Return CDK's validator for the app to be given, with the rules it would have by itself.

        None where the environment's CDK_VALIDATION is `false`, as CDK has it.
        """
        return [] if self._validator is None else [self._validator.result()]
