"""Registering resource types with MiniStack's CloudFormation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject

MAX_NAME_LENGTH = 63
SUFFIX_BYTES = 6

Created = tuple[str, Mapping[str, str]]
"""A physical id, which is what Ref gives, and the attributes that GetAtt gives."""


class ResourceHandler(Protocol):
    """What CloudFormation asks of a resource type. Each blocks until it is done, and raises with the reason."""

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        """Make a resource."""

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        """Change one in place."""

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        """Remove one; one that is not there is no error."""


@dataclass(frozen=True)
class ResourceType:
    """One type of resource.

    Attributes:
        has_tags: whether stack-level tags are put into its Tags.
    """

    name: str
    handler: ResourceHandler
    has_tags: bool = False
    attributes: tuple[str, ...] = field(default_factory=tuple)


def register(types: list[ResourceType]) -> None:
    """Make types known to CloudFormation, each on a thread of its own while it works."""
    for kind in types:
        private_names.CFN_HANDLERS.get()[kind.name] = _entry(kind.handler)
        if kind.has_tags:
            private_names.CFN_STACK_TAGS.get()[kind.name] = ("Tags", "list")
    names = {kind.name for kind in types}
    private_names.CFN_ON_THREAD.wrap(lambda original: lambda kind: kind in names or original(kind))


def generated_name(logical_id: str) -> str:
    """Return a name as CloudFormation makes them: the logical id and a random suffix."""
    suffix = secrets.token_hex(SUFFIX_BYTES)
    return f"{logical_id[: MAX_NAME_LENGTH - len(suffix) - 1]}-{suffix}"


def _entry(handler: ResourceHandler) -> dict[str, Callable[..., object]]:
    def create(logical_id: str, properties: JsonObject, stack: str) -> tuple[str, dict[str, str]]:
        del stack
        physical_id, attributes = handler.create(logical_id, properties)
        return physical_id, dict(attributes)

    def update(physical_id: str, old: JsonObject, new: JsonObject, stack: str) -> tuple[str, dict[str, str]]:
        del stack
        same_id, attributes = handler.update(physical_id, old, new)
        return same_id, dict(attributes)

    def delete(physical_id: str, properties: JsonObject) -> None:
        handler.delete(physical_id, properties)

    return {"create": create, "update": update, "delete": delete}
