"""Rules: MiniStack starts a rule's state machine whatever the role of its target may do."""

from __future__ import annotations

import logging
from collections.abc import Callable

from local_cloud.shared import emulated_identity, emulator, private_names
from local_cloud.shared.wire import JsonObject

logger = logging.getLogger("local_cloud")
SERVICE = "events.amazonaws.com"


def install() -> None:
    """Ask the target's role; imports MiniStack's EventBridge."""
    private_names.EVENTS_TARGET.wrap(_by_its_role)


def _by_its_role(invoke: Callable[..., None]) -> Callable[..., None]:
    def invoked(target: JsonObject, event: JsonObject, rule: JsonObject, *more: object) -> None:
        arn, role = str(target.get("Arn", "")), str(target.get("RoleArn", ""))
        # As on AWS nobody is told, but by the metric FailedInvocations.
        if ":stateMachine:" in arn and (reason := _denial(role, arn)):
            logger.warning("the rule %s did not start %s: %s", rule.get("Name"), arn, reason)
            return
        invoke(target, event, rule, *more)

    return invoked


def _denial(role: str, machine: str) -> str:
    scope = emulator.current_scope()
    assumed = emulated_identity.find_role(scope, role)
    if assumed is None or SERVICE not in str(assumed.trust):
        return f"its role {role} is not there, or does not trust {SERVICE}"
    return emulated_identity.role_denial(role, scope, "states:StartExecution", machine, {})
