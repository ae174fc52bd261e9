"""Log groups: MiniStack names those without a name otherwise than AWS."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject

NAME_SUFFIX_BYTES = 6


def install() -> None:
    """Put the resource handlers right; imports MiniStack's CloudFormation."""
    handlers = private_names.CFN_HANDLERS.get()
    group = dict(handlers["AWS::Logs::LogGroup"])
    group["create"], group["update"] = _named_by_its_stack(group["create"]), _keeping_its_name(group["update"])
    handlers["AWS::Logs::LogGroup"] = group


def _named_by_its_stack(create: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    # MiniStack calls a log group without a name /aws/cloudformation/…; AWS names it as it names all else, and roles
    # are scoped by that.
    def created(logical_id: str, props: JsonObject, stack: str) -> tuple[str, Any]:
        name = f"{stack}-{logical_id}-{secrets.token_hex(NAME_SUFFIX_BYTES).upper()}"
        return create(logical_id, {"LogGroupName": name, **props}, stack)

    return created


def _keeping_its_name(update: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    def updated(physical_id: str, old: JsonObject, new: JsonObject, *more: object) -> tuple[str, Any]:
        kept: JsonObject = {"LogGroupName": physical_id}
        return update(physical_id, {**kept, **old}, {**kept, **new}, *more)

    return updated
