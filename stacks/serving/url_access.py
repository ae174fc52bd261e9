"""The Function URL on the function's alias: who may call it, and from which web pages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from stacks.shared.acknowledgments import acknowledge, everywhere

if TYPE_CHECKING:
    from stacks.settings.url import CorsSettings, UrlSettings

REQUEST_HEADERS: Final = (
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
)
"""What a page sends: what its answer depends on, and its signature."""

ANSWER_HEADERS: Final = (
    "retry-after",
    "x-amzn-requestid",
    "x-corpus-version",
    "x-model-version",
    "x-unknown-word-share",
    "x-vocabulary-version",
)
"""What a page may read of an answer beside its body."""


def add_url(alias: lambda_.Alias, settings: UrlSettings) -> lambda_.FunctionUrl:
    """Give the alias a URL, let the named callers call it, and acknowledge an open one with the setting's reason."""
    url = alias.add_function_url(
        auth_type=lambda_.FunctionUrlAuthType[settings.auth],
        cors=_cors(settings.cors) if settings.cors is not None else None,
    )
    for caller in settings.callers:
        _allow(alias, caller)
    if settings.open_because is not None:
        _acknowledge_open(alias, url, settings.open_because)
    return url


def _cors(settings: CorsSettings) -> lambda_.FunctionUrlCorsOptions:
    return lambda_.FunctionUrlCorsOptions(
        allowed_origins=list(settings.origins),
        allowed_methods=[lambda_.HttpMethod.GET, lambda_.HttpMethod.POST],
        allowed_headers=list(REQUEST_HEADERS),
        exposed_headers=list(ANSWER_HEADERS),
        # Requests are signed, so cookies have no say in them.
        allow_credentials=False,
        max_age=cdk.Duration.seconds(settings.max_age_s),
    )


def _allow(alias: lambda_.Alias, caller: str) -> None:
    """Allow a caller both actions that a Function URL asks for, each so that it is of use by the URL alone."""
    # By a hash: ids take letters and digits alone, and two callers' names may be alike in those.
    name = f"Caller{hashlib.sha256(caller.encode()).hexdigest()[:8]}"
    lambda_.CfnPermission(
        alias,
        f"{name}Url",
        action="lambda:InvokeFunctionUrl",
        function_name=alias.function_arn,
        principal=caller,
        function_url_auth_type="AWS_IAM",
    )
    lambda_.CfnPermission(
        alias,
        f"{name}Function",
        action="lambda:InvokeFunction",
        function_name=alias.function_arn,
        principal=caller,
        invoked_via_function_url=True,
    )


def _acknowledge_open(alias: lambda_.Alias, url: lambda_.FunctionUrl, reason: str) -> None:
    acknowledge(url, {"CKV_AWS_258": reason})
    public = everywhere("LambdaFunctionPublicAccessProhibited", reason, packs=("HIPAA.Security", "NIST.800.53.R5"))
    for child in alias.node.children:
        if isinstance(child, lambda_.CfnPermission):
            acknowledge(child, public | {"CKV_AWS_301": reason})
