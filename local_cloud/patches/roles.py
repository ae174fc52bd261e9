"""Roles: MiniStack's templates give them no permissions boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_cloud.patches import managed_policies
from local_cloud.shared import private_names


def install() -> None:
    """Put the resource handlers right; imports MiniStack's CloudFormation."""
    handlers = private_names.CFN_HANDLERS.get()
    role = dict(handlers["AWS::IAM::Role"])
    role["create"], role["update"] = _with_boundary(role["create"], new=1), _with_boundary(role["update"], new=2)
    handlers["AWS::IAM::Role"] = role


def _with_boundary(make: Callable[..., tuple[str, Any]], *, new: int) -> Callable[..., tuple[str, Any]]:
    # Its evaluator holds roles to their boundary, but its templates give them none. `new` is the properties' place.
    def made(*arguments: Any) -> tuple[str, Any]:  # noqa: ANN401 - MiniStack's
        if boundary := arguments[new].get("PermissionsBoundary"):
            managed_policies.require(boundary)
        name, attributes = make(*arguments)
        private_names.IAM_ROLES.get()[name]["PermissionsBoundary"] = boundary
        return name, attributes

    return made
