"""Deleting a stack while it is being made: that ends first, and only then is what there is deleted.

MiniStack does both at once: what it makes later outlives the stack, and its rollback finds everything deleted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from local_cloud.cloudformation import custom_resources
from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject, MutableJson

if TYPE_CHECKING:
    Deploy = Callable[..., Awaitable[None]]
    Delete = Callable[..., Awaitable[None]]

_deploying: set[str] = set()
"""The ids of the stacks that are being made or updated."""
_asked: dict[str, Callable[[], Awaitable[None]]] = {}
"""What deletes a stack, by the ids of those that are asked to be deleted while they are being made or updated."""


def install() -> None:
    """Have deletions wait for what they interrupt, however the stack is made."""
    for name in (private_names.CFN_DEPLOY_OF_REQUESTS, private_names.CFN_DEPLOY_OF_CHANGES):
        name.wrap(_then_delete)
    private_names.CFN_DELETE_STACK.wrap(_after_deploy)
    private_names.CFN_ROLL_BACK.wrap(_unless_deleted)
    private_names.CFN_RESOLVE.wrap(_until_deleted)


def _then_delete(deploy: Deploy) -> Deploy:
    async def deployed(
        name: str, stack_id: str, template: JsonObject, parameters: JsonObject, *more: object, **options: object
    ) -> None:
        _deploying.add(stack_id)
        try:
            await deploy(name, stack_id, template, parameters, *more, **options)
        finally:
            _deploying.discard(stack_id)
            if (delete := _asked.pop(stack_id, None)) is not None:
                custom_resources.allow(stack_id)
                # A stack made by a change set learns its template when it is whole; it says what is retained.
                stack: MutableJson = private_names.CFN_STACKS.get()[name]
                stack.update({"_template": template, "_resolved_params": parameters})
                await delete()

    return deployed


def _after_deploy(delete: Delete) -> Delete:
    async def deleted(name: str, stack_id: str, *more: object, **options: object) -> None:
        if stack_id not in _deploying:
            await delete(name, stack_id, *more, **options)
            return
        _asked[stack_id] = lambda: delete(name, stack_id, *more, **options)
        private_names.CFN_STACKS.get()[name]["StackStatus"] = "DELETE_IN_PROGRESS"
        custom_resources.cancel(stack_id)

    return deleted


def _unless_deleted(roll_back: Deploy) -> Deploy:
    async def rolled_back(name: str, stack_id: str, *more: object, **options: object) -> None:
        if stack_id not in _asked:
            await roll_back(name, stack_id, *more, **options)

    return rolled_back


def _until_deleted(resolve: Callable[..., object]) -> Callable[..., object]:
    # Each resource begins with its properties' resolution.
    def resolved(  # noqa: PLR0917 - MiniStack's
        value: object, resources: JsonObject, parameters: JsonObject, conditions: JsonObject, mappings: JsonObject,
        name: str, stack_id: str, *more: object, **options: object,
    ) -> object:  # fmt: skip
        if stack_id in _asked:
            raise ValueError(custom_resources.CANCELLED_REASON)
        return resolve(value, resources, parameters, conditions, mappings, name, stack_id, *more, **options)

    return resolved
