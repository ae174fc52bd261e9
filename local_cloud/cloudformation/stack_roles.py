"""Stacks' own roles: passed by callers who may, and held to their policies in all that CloudFormation does by them.

For a stack without a role CloudFormation acts for whoever called it last, and may do what that caller may.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from local_cloud.cloudformation.resource_schemas import replaces
from local_cloud.cloudformation.stack_needs import Change, Need, Verb, is_known, needs
from local_cloud.shared import emulated_identity, emulator, private_names
from local_cloud.shared.emulator import Headers, Query, Response, Scope
from local_cloud.shared.wire import JsonObject

logger = logging.getLogger("local_cloud")

SERVICE = "cloudformation.amazonaws.com"
_TAKING_A_ROLE = frozenset(
    {"CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "RollbackStack", "ContinueUpdateRollback"}
)
_ACTING = _TAKING_A_ROLE | {"ExecuteChangeSet"}
_roles: dict[tuple[Scope, str], str] = {}
"""The role that a stack was last given: CloudFormation goes on with it where a call names none."""
_callers: dict[tuple[Scope, str], Headers] = {}
"""The request by which a stack was last made or changed: whose it is, CloudFormation acts for."""
_held = threading.Event()
_held.set()


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


def _with_role_key(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def keys(service: str, action: str, body: bytes, parameters: Query) -> dict[str, Any]:
        condition_keys = original(service, action, body, parameters)
        role = emulator.asked(body, parameters).get("RoleARN") if service == "cloudformation" else None
        return {**condition_keys, "cloudformation:RoleArn": role} if role else condition_keys

    return keys


def _check_passing(path: str, headers: Headers, body: bytes, query: Query) -> Response | None:
    """Refuse a role that the caller may not pass, or that does not trust CloudFormation."""
    del path
    asked = emulator.asked(body, query)
    role = asked.get("RoleARN", "")
    key = emulator.current_scope(), emulator.stack_name(asked.get("StackName", ""))
    if not role and (asked.get("Action") == "CreateStack" or asked.get("ChangeSetType") == "CREATE"):
        # A new stack of an old name has nothing of the old one's.
        _roles.pop(key, None)
    if asked.get("Action") in _ACTING and key[1]:
        _callers[key] = headers
    if asked.get("Action") not in _TAKING_A_ROLE or not role:
        return None
    scope = key[0]
    caller = emulated_identity.caller_denial(headers, scope, "iam:PassRole", role, {"iam:PassedToService": SERVICE})
    if caller is not None:
        return emulated_identity.denied_response("cloudformation", "iam:PassRole", caller, str(uuid.uuid4()), role)
    assumed = emulated_identity.find_role(scope, role)
    if assumed is None or SERVICE not in str(assumed.trust):
        return emulator.cloudformation_error(f"Role {role} is invalid or cannot be assumed")
    _roles[key] = role
    return None


def hold_roles(*, held: bool) -> None:
    """Hold stacks' roles to their policies, or do not: for templates of a release whose roles lack something."""
    if held:
        _held.set()
    else:
        _held.clear()


def require(change: Change) -> None:
    """Check a change against its stack's role, or against whoever asked for it where the stack has none.

    Raises:
        ValueError: with the reason that CloudFormation shows.
    """
    key = change.scope, change.stack
    role, headers = _roles.get(key), _callers.get(key)
    if not _held.is_set() or (role is None and headers is None):
        return
    if not is_known(change.type):
        logger.warning("what CloudFormation takes for %s is not known here: nobody's rights are asked", change.type)
    for need in needs(change):
        caller, reason = _denial(role, headers or {}, change.scope, need)
        if caller and not _is_done(need, change.scope):
            raise ValueError(
                f'Resource handler returned message: "User: {caller} is not authorized to perform: {need.action} on '
                f'resource: {need.resource} {reason}" (HandlerErrorCode: AccessDenied)'
            )


def _denial(role: str | None, headers: Headers, scope: Scope, need: Need) -> tuple[str, str]:
    """Return who may not do something, and why; nobody where it is allowed."""
    if role is not None:
        reason = emulated_identity.role_denial(role, scope, need.action, need.resource, dict(need.keys))
        caller = f"arn:aws:sts::{scope.account}:assumed-role/{role.rpartition('/')[2]}/AWSCloudFormation"
        return (caller, reason) if reason else ("", "")
    with emulator.within(scope):
        denied = emulated_identity.caller_denial(headers, scope, need.action, need.resource, dict(need.keys))
    return denied or "", f"because no identity-based policy allows the {need.action} action"


def _is_done(need: Need, scope: Scope) -> bool:
    """Tell whether what a right is for is there already: a service's linked role is made once an account."""
    return (
        need.action == "iam:CreateServiceLinkedRole" and emulated_identity.find_role(scope, need.resource) is not None
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
        if old != new and not replaces(kind, old, new):
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
