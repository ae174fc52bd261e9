"""Custom resources: one whose creation fails or times out is sent a Delete, as when CloudFormation rolls back.

One whose function is in a VPC without a way to S3 cannot answer: it fails as when CloudFormation has waited in vain.
Those that wait for an answer when the emulator stops, or when their stack is to be deleted, have failed.
"""

from __future__ import annotations

import contextvars
import logging
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from local_cloud.cloudformation.way_to_s3 import cut_off
from local_cloud.shared import emulator, private_names
from local_cloud.shared.wire import JsonObject, Node

if TYPE_CHECKING:
    Invoke = Callable[..., tuple[str, JsonObject]]

logger = logging.getLogger("local_cloud")

_failed_ids: dict[tuple[str, str], str] = {}
"""The physical ids that providers gave with a failure, by stack and logical id."""

_asking: contextvars.ContextVar[str] = contextvars.ContextVar("asking", default="")
"""The stack whose custom resource is made or updated on this thread."""
_stack_of: dict[str, str] = {}
"""The stack of each such request, by the token of its answer."""
_cancelled: set[str] = set()

_stopping = threading.Event()
STOPPED_REASON = "The local cloud was stopped while the custom resource was in progress."
CANCELLED_REASON = "Resource creation cancelled: the stack is being deleted."

NO_ANSWER = (
    "CloudFormation did not receive a response from your custom resource. Its function is in {subnet}, from where no "
    "route and no endpoint leads to S3."
)


def stop() -> None:
    """Fail every custom resource that waits for its answer."""
    _stopping.set()
    for token in list(private_names.CFN_CUSTOM_PENDING.get()):
        _fail(token, STOPPED_REASON)


def cancel(stack_id: str) -> None:
    """Fail what of this stack waits for an answer to a Create or Update, and what comes to do so until `allow`."""
    _cancelled.add(stack_id)
    for token in [token for token, stack in _stack_of.copy().items() if stack == stack_id]:
        _fail(token, CANCELLED_REASON)


def allow(stack_id: str) -> None:
    """Let custom resources of this stack wait for their answers again."""
    _cancelled.discard(stack_id)


def _fail(token: str, reason: str) -> None:
    private_names.CFN_CUSTOM_ANSWER.get()(token, {"Status": "FAILED", "Reason": reason})


def install() -> None:
    """Send the Delete that MiniStack leaves out."""
    private_names.CFN_CUSTOM_REGISTER.wrap(_remember_stack)
    private_names.CFN_CUSTOM_ANSWER.wrap(_remember_id)
    private_names.CFN_CUSTOM_INVOKE.wrap(_unanswered_without_a_way_to_s3)
    private_names.CFN_CUSTOM_INVOKE.wrap(_clean_up_after_failed_create)


def _remember_stack(register: Callable[[str], threading.Event]) -> Callable[[str], threading.Event]:
    def registered(token: str) -> threading.Event:
        event, stack = register(token), _asking.get()
        if stack:
            _stack_of[token] = stack
            if stack in _cancelled:
                _fail(token, CANCELLED_REASON)
        return event

    return registered


def _remember_id(deliver: Callable[[str, JsonObject], bool]) -> Callable[[str, JsonObject], bool]:
    def delivered(token: str, response: JsonObject) -> bool:
        answer = Node(response)
        if answer.text("Status") == "FAILED" and answer.text("PhysicalResourceId"):
            _failed_ids[answer.text("StackId"), answer.text("LogicalResourceId")] = answer.text("PhysicalResourceId")
        _stack_of.pop(token, None)
        return deliver(token, response)

    return delivered


def _unanswered_without_a_way_to_s3(invoke: Invoke) -> Invoke:
    def invoked(
        request: str, logical_id: str, properties: JsonObject, *more: str, **named: object
    ) -> tuple[str, JsonObject]:
        subnet = cut_off(**emulator.network_of(Node(properties).text("ServiceToken")))
        if subnet is not None:
            raise TimeoutError(NO_ANSWER.format(subnet=subnet))
        return invoke(request, logical_id, properties, *more, **named)

    return invoked


def _clean_up_after_failed_create(invoke: Invoke) -> Invoke:
    def invoked(  # noqa: PLR0917 - MiniStack's
        request: str, logical_id: str, properties: JsonObject, stack: str, stack_id: str, kind: str, **more: object
    ) -> tuple[str, JsonObject]:
        if _stopping.is_set():
            raise RuntimeError(STOPPED_REASON)
        try:
            return _invoke_for(stack_id if request != "Delete" else "", invoke)(
                request, logical_id, properties, stack, stack_id, kind, **more
            )
        except (RuntimeError, TimeoutError):
            if request == "Create" and not _stopping.is_set():
                given = _failed_ids.pop((stack_id, logical_id), "")
                physical_id = given or f"{stack}-{logical_id}-{secrets.token_hex(6).upper()}"
                _delete(invoke, (logical_id, properties, stack, stack_id, kind), physical_id)
            raise

    return invoked


def _invoke_for(stack_id: str, invoke: Invoke) -> Invoke:
    def invoked(*request: object, **more: object) -> tuple[str, JsonObject]:
        token = _asking.set(stack_id)
        try:
            return invoke(*request, **more)
        finally:
            _asking.reset(token)

    return invoked


def _delete(invoke: Invoke, resource: tuple[str, JsonObject, str, str, str], physical_id: str) -> None:
    try:
        invoke("Delete", *resource, physical_id=physical_id)
    except (RuntimeError, TimeoutError) as error:
        # The stack has failed already, with a better reason.
        logger.warning("deleting %s after its creation failed: %s", resource[0], error)
