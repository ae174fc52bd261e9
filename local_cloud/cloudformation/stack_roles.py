"""Stacks' own roles: passed by callers who may, and held to their policies in all that CloudFormation does by them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from local_cloud.cloudformation.stack_needs import Change, Verb, needs
from local_cloud.shared import emulated_identity, emulator, private_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from local_cloud.shared.emulator import Headers, Query, Response, Scope
    from local_cloud.shared.wire import JsonObject

SERVICE = "cloudformation.amazonaws.com"
_TAKING_A_ROLE = frozenset(
    {"CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "RollbackStack", "ContinueUpdateRollback"}
)
_roles: dict[tuple[Scope, str], str] = {}
"""The role that a stack was last given: CloudFormation goes on with it where a call names none."""


def install_early() -> None:
    """Tell policies of cloudformation:RoleArn, and check who passes a role; before the first request."""
    private_names.IAM_REQUEST_KEYS.wrap(_with_role_key)
    emulator.check_service("cloudformation", _check_passing)


def install() -> None:
    """Hold what is done to resources to the stack's role."""
    for name in (private_names.CFN_PROVISION, private_names.CFN_PROVISION_REPLACEMENT):
        name.wrap(_provisioning)
    private_names.CFN_UPDATE_RESOURCE.wrap(_updating)
    private_names.CFN_DELETE_RESOURCE.wrap(_deleting)


def _asked(body: bytes, query: Query) -> Mapping[str, str]:
    given = {**query, **parse_qs(body.decode("latin-1"))}
    return {name: value if isinstance(value, str) else value[0] for name, value in given.items()}


def _with_role_key(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def keys(service: str, action: str, body: bytes, parameters: Query) -> dict[str, Any]:
        found = original(service, action, body, parameters)
        role = _asked(body, parameters).get("RoleARN") if service == "cloudformation" else None
        return {**found, "cloudformation:RoleArn": role} if role else found

    return keys


def _check_passing(headers: Headers, body: bytes, query: Query) -> Response | None:
    """Refuse a role that the caller may not pass, or that does not trust CloudFormation."""
    asked = _asked(body, query)
    role = asked.get("RoleARN", "")
    if asked.get("Action") not in _TAKING_A_ROLE or not role:
        return None
    scope = emulator.current_scope()
    caller = emulated_identity.caller_denial(headers, scope, "iam:PassRole", role, {"iam:PassedToService": SERVICE})
    if caller is not None:
        return emulated_identity.denied_response("cloudformation", "iam:PassRole", caller, str(uuid.uuid4()), role)
    found = emulated_identity.find_role(scope, role)
    if found is None or SERVICE not in str(found.trust):
        return emulator.cloudformation_error(f"Role {role} is invalid or cannot be assumed")
    _roles[scope, emulator.stack_name(asked.get("StackName", ""))] = role
    return None


def require(change: Change) -> None:
    """Check a change against its stack's role, if it has one.

    Raises:
        ValueError: with the reason that CloudFormation shows.
    """
    role = _roles.get((change.scope, change.stack))
    if role is None:
        return
    for need in needs(change):
        if not emulated_identity.role_allows(role, change.scope, need.action, need.resource, dict(need.keys)):
            raise ValueError(
                f"User: {role} is not authorized to perform: {need.action} on resource: {need.resource} because no "
                f"identity-based policy allows the {need.action} action (Status Code: 403, AccessDenied)"
            )


def _change(  # noqa: PLR0917 - as its parts come
    verb: Verb, kind: str, logical_id: str, physical_id: str, properties: JsonObject, stack: str,
    old: JsonObject | None = None,
) -> Change:  # fmt: skip
    return Change(verb, kind, logical_id, physical_id, properties, stack, emulator.current_scope(), old)


def _provisioning(provision: Callable[..., Any]) -> Callable[..., Any]:
    def provisioned(kind: str, logical_id: str, properties: JsonObject, stack: str) -> object:
        require(_change("create", kind, logical_id, "", properties, stack))
        return provision(kind, logical_id, properties, stack)

    return provisioned


def _updating(update: Callable[..., Any]) -> Callable[..., Any]:
    def updated(  # noqa: PLR0917 - MiniStack's
        kind: str, physical_id: str, old: JsonObject, new: JsonObject, stack: str, logical_id: str | None = None,
        *more: object,
    ) -> object:  # fmt: skip
        if old != new:
            require(_change("update", kind, logical_id or "", physical_id, new, stack, old))
        return update(kind, physical_id, old, new, stack, logical_id, *more)

    return updated


def _deleting(delete: Callable[..., Any]) -> Callable[..., Any]:
    def deleted(
        kind: str, physical_id: str, properties: JsonObject, stack: str | None = None, logical_id: str | None = None
    ) -> object:
        if stack is not None:
            require(_change("delete", kind, logical_id or "", physical_id, properties, stack))
        return delete(kind, physical_id, properties, stack, logical_id)

    return deleted
