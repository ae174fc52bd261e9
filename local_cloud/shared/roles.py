"""Execution roles: assumed as the service assumes them, never replaced by root."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_cloud.shared import emulated_identity, refusals
from local_cloud.shared.emulated_identity import Role
from local_cloud.shared.emulator import Headers, Scope
from local_cloud.shared.wire import JsonValue

SAGEMAKER = "sagemaker.amazonaws.com"


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of an assumed role."""

    access_key: str
    secret_key: str
    token: str

    def variables(self) -> dict[str, str]:
        """Return them as a process takes them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }


def assume(scope: Scope, role_arn: str, *, session: str, source_arn: str) -> Credentials:
    """Assume an execution role for SageMaker, if its trust policy lets the service do so for `source_arn`.

    The session is registered with the emulator's STS, whose evaluator then checks every request that it signs
    against the role's policies.

    Raises:
        ServiceError: there is no such role, or it does not trust SageMaker.
    """
    role = emulated_identity.find_role(scope, role_arn)
    if role is None or not _trusts_sagemaker(role, scope, source_arn):
        raise refusals.ROLE_NOT_ASSUMABLE.error(role=role_arn, principal=SAGEMAKER)
    return session_of(scope, role, session)


def session_of(scope: Scope, role: Role, name: str) -> Credentials:
    """Make credentials of a role's session that last as long as the emulator."""
    made = Credentials("ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(32))
    emulated_identity.register_session(
        made.access_key,
        arn=f"arn:aws:sts::{scope.account}:assumed-role/{role.name}/{name[:64]}",
        secret=made.secret_key,
        token=made.token,
    )
    return made


def require_pass_role(scope: Scope, headers: Headers, role_arn: str) -> None:
    """Check that an HTTP caller may hand this role to SageMaker.

    Raises:
        ServiceError: `AccessDeniedException`, with IAM's wording.
    """
    if not headers:
        return
    caller = emulated_identity.caller_denial(
        headers, scope, "iam:PassRole", role_arn, {"iam:PassedToService": SAGEMAKER}
    )
    if caller is not None:
        raise refusals.ROLE_NOT_PASSED.error(caller=caller, role=role_arn)


def _trusts_sagemaker(role: Role, scope: Scope, source_arn: str) -> bool:
    document = role.trust.get("Statement")
    statements = document if isinstance(document, Sequence) and not isinstance(document, str) else [document]
    named = [_for_anyone(item) for item in statements if isinstance(item, Mapping) and _names_sagemaker(item)]
    # The keys by which a trust policy guards against a confused deputy.
    return emulated_identity.trusts(
        role, named, scope, {"aws:SourceAccount": scope.account, "aws:SourceArn": source_arn}
    )


def _names_sagemaker(statement: Mapping[str, JsonValue]) -> bool:
    principal = statement.get("Principal")
    if principal == "*":
        return True
    services = principal.get("Service") if isinstance(principal, Mapping) else None
    return SAGEMAKER in ([services] if isinstance(services, str) else services or [])  # type: ignore[operator]


def _for_anyone(statement: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    # The principal is settled by now; the emulator's evaluator knows no service principals.
    return {**statement, "Principal": "*"}
