"""Custom resources: one whose creation fails or times out is sent a Delete, as when CloudFormation rolls back.

Those that wait for an answer when the emulator stops have failed, and no more are asked.
"""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING

from local_cloud.shared import private_names
from local_cloud.shared.wire import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.shared.wire import JsonObject

    Invoke = Callable[..., tuple[str, JsonObject]]

logger = logging.getLogger("local_cloud")

_failed_ids: dict[tuple[str, str], str] = {}
"""The physical ids that providers gave with a failure, by stack and logical id."""

_stopping = threading.Event()
STOPPED_REASON = "The local cloud was stopped while the custom resource was in progress."


def stop() -> None:
    """Fail every custom resource that waits for its answer."""
    _stopping.set()
    for token in list(private_names.CFN_CUSTOM_PENDING.get()):
        private_names.CFN_CUSTOM_ANSWER.get()(token, {"Status": "FAILED", "Reason": STOPPED_REASON})


def install() -> None:
    """Send the Delete that MiniStack leaves out."""
    private_names.CFN_CUSTOM_ANSWER.wrap(_remember_id)
    private_names.CFN_CUSTOM_INVOKE.wrap(_clean_up_after_failed_create)


def _remember_id(deliver: Callable[[str, JsonObject], bool]) -> Callable[[str, JsonObject], bool]:
    def delivered(token: str, response: JsonObject) -> bool:
        told = Node(response)
        if told.text("Status") == "FAILED" and told.text("PhysicalResourceId"):
            _failed_ids[told.text("StackId"), told.text("LogicalResourceId")] = told.text("PhysicalResourceId")
        return deliver(token, response)

    return delivered


def _clean_up_after_failed_create(invoke: Invoke) -> Invoke:
    def invoked(  # noqa: PLR0917 - MiniStack's
        request: str, logical_id: str, properties: JsonObject, stack: str, stack_id: str, kind: str, **more: object
    ) -> tuple[str, JsonObject]:
        if _stopping.is_set():
            raise RuntimeError(STOPPED_REASON)
        try:
            return invoke(request, logical_id, properties, stack, stack_id, kind, **more)
        except (RuntimeError, TimeoutError):
            if request == "Create" and not _stopping.is_set():
                given = _failed_ids.pop((stack_id, logical_id), "")
                physical_id = given or f"{stack}-{logical_id}-{secrets.token_hex(6).upper()}"
                _delete(invoke, (logical_id, properties, stack, stack_id, kind), physical_id)
            raise

    return invoked


def _delete(invoke: Invoke, resource: tuple[str, JsonObject, str, str, str], physical_id: str) -> None:
    try:
        invoke("Delete", *resource, physical_id=physical_id)
    except (RuntimeError, TimeoutError) as error:
        # The stack has failed already, with a better reason.
        logger.warning("deleting %s after its creation failed: %s", resource[0], error)
