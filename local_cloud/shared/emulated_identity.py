"""Typed wrappers over MiniStack's private API: roles, policies and sessions of IAM and STS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_cloud.shared import private_names
from local_cloud.shared.emulator import Headers, Query, Response, Scope, current_scope, within
from local_cloud.shared.wire import JsonObject, JsonValue


@dataclass(frozen=True)
class Role:
    """An IAM role as far as we ask for it."""

    arn: str
    name: str
    trust: JsonObject


def find_role(scope: Scope, arn: str) -> Role | None:
    """Return the role of this ARN, or None where there is none."""
    role = role_named(scope, arn.rsplit("/", 1)[-1])
    return role if role is not None and role.arn == arn else None


def role_named(scope: Scope, name: str) -> Role | None:
    """Return the role of this name, or None where there is none."""
    with within(scope):
        record = private_names.IAM_ROLES.get().get(name)
    if record is None:
        return None
    document = record.get("AssumeRolePolicyDocument") or {}
    trust = json.loads(document) if isinstance(document, str) else document
    return Role(arn=str(record.get("Arn")), name=str(record["RoleName"]), trust=trust)


def trusts(role: Role, statements: Sequence[JsonValue], scope: Scope, keys: Mapping[str, str]) -> bool:
    """Evaluate trust-policy `statements` for a caller inside AWS, with the condition keys that it sends."""
    root = f"arn:aws:iam::{scope.account}:root"
    with within(scope):
        context = private_names.IAM_CONTEXT.get()(
            principal_arn=root,
            principal_type="Service",
            principal_account=scope.account,
            action="sts:AssumeRole",
            resource_arn=role.arn,
            region=scope.region,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={key.lower(): value for key, value in keys.items()},
        )
        return bool(private_names.IAM_TRUST.get()({"Statement": list(statements)}, root, context))


def role_allows(role_arn: str, scope: Scope, action: str, resource: str, keys: Mapping[str, str]) -> bool:
    """Evaluate a role's own policies for one action, as for a request signed by it."""
    return not role_denial(role_arn, scope, action, resource, keys)


def role_denial(role_arn: str, scope: Scope, action: str, resource: str, keys: Mapping[str, str]) -> str:
    """Return why a role may not do something, in IAM's words; '' where its policies and its boundary allow it."""
    name = role_arn.rsplit("/", 1)[-1]
    with within(scope):
        context = private_names.IAM_CONTEXT.get()(
            principal_arn=role_arn,
            principal_type="AssumedRole",
            principal_account=scope.account,
            action=action,
            resource_arn=resource,
            region=scope.region,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={key.lower(): value for key, value in keys.items()},
        )
        policies = private_names.IAM_ROLE_POLICIES.get()(name, scope.account)
        boundary = private_names.IAM_BOUNDARY.get()(private_names.IAM_ROLES.get(), name, scope.account)
        evaluate = private_names.IAM_EVALUATE.get()
        decision = evaluate(context, policies, *boundary).decision
        if decision == "Allow":
            return ""
        if decision == "Deny":
            return "with an explicit deny in an identity-based policy"
        bounded = evaluate(context, policies).decision == "Allow"
        return f"because no {'permissions boundary' if bounded else 'identity-based policy'} allows the {action} action"


def caller_denial(headers: Headers, scope: Scope, action: str, resource: str, keys: Mapping[str, str]) -> str | None:
    """Return the ARN of the request's caller when its policies deny the action; None when they allow it."""
    denied = private_names.IAM_ENFORCE.get()(
        private_names.EXTRACT_ACCESS_KEY.get()(headers, {}),
        action,
        action.split(":", 1)[0],
        scope.region,
        resource_arn=resource,
        service_context=dict(keys),
    )
    if denied is None:
        return None
    return str(getattr(denied, "principal_arn", "") or "anonymous")


def denied_response(service: str, action: str, principal: str, request_id: str, resource: str) -> Response:
    """Return a service's refusal of a caller who may not do something."""
    refused: Response = private_names.IAM_DENIED_RESPONSE.get()(
        service, action, principal, request_id, resource_arn=resource
    )
    return refused


def register_session(access_key: str, *, arn: str, secret: str, token: str) -> None:
    """Make STS know temporary credentials of an assumed role."""
    private_names.REGISTER_SESSION.get()(
        access_key, {"Arn": arn, "UserId": arn.split("/", 1)[1], "SecretAccessKey": secret, "SessionToken": token}
    )


def register_root(access_key: str, *, account: str, secret: str) -> None:
    """Make STS know a root key of an account."""
    if access_key not in private_names.SESSIONS.get():
        record = {"Arn": f"arn:aws:iam::{account}:root", "UserId": account, "SecretAccessKey": secret}
        private_names.REGISTER_SESSION.get()(access_key, record)


def names_no_caller(headers: Headers, query: Query) -> bool:
    """Tell whether a request names no key, or one that MiniStack takes for root without looking at the signature."""
    return bool(private_names.IAM_IS_ROOT_KEY.get()(private_names.EXTRACT_ACCESS_KEY.get()(headers, query)))


def authentication_failure(  # noqa: PLR0917 - MiniStack's
    method: str, path: str, headers: Headers, body: bytes, query: Query, request_id: str
) -> Response | None:
    """Verify the signature of a request; return its service's refusal, or None when it is good."""
    key = private_names.EXTRACT_ACCESS_KEY.get()(headers, query)
    pinned = private_names.IAM_SIGNED_REQUEST.get().get()
    error = private_names.IAM_AUTH_ERROR.get()
    if not key and pinned is None:
        failure = error("MissingAuthenticationToken", "Request is missing Authentication Token")
    elif pinned is None or (key and names_no_caller(headers, query)):
        failure = error("UnrecognizedClientException", "The security token included in the request is invalid.")
    elif pinned.s3_scoped:
        # MiniStack leaves it to S3, which some of its paths never reach.
        refused: Response | None = private_names.S3_PRESIGNED.get()(method, path, headers, query)
        return refused
    else:
        verified = private_names.IAM_AUTHENTICATE.get()(key, current_scope().account)
        if verified is not None and not isinstance(verified, error):
            return None
        failure = verified or error("UnrecognizedClientException", "The security token is invalid.")
    parameters = private_names.ROUTING_PARAMETERS.get()(method, path, headers, body, query)
    service = private_names.DETECT_SERVICE.get()(method, path, headers, parameters)
    answer: Response = private_names.CREDENTIAL_FAILURE.get()(service, "", request_id, failure, headers)
    return answer


def expire_sessions(role_arn: str) -> int:
    """Let the temporary credentials of a role be past their time, and return how many there were."""
    name = role_arn.rsplit("/", 1)[-1]
    sessions = [
        each for each in private_names.SESSIONS.get().values() if str(each.get("Arn", "")).split("/")[1:2] == [name]
    ]
    for session in sessions:
        session["Expiration"] = time.time() - 1
    return len(sessions)
