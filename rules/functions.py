"""Rules on functions and their URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Resource, Rule, Template, items, mapping, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTION: Final = "AWS::Lambda::Function"
URL: Final = "AWS::Lambda::Url"
PERMISSION: Final = "AWS::Lambda::Permission"
SERVICES: Final = ("amazonaws.com", "amazonaws.com.cn")
OPEN_URL: Final = "CKV_AWS_258"
"""The finding under which a URL's metadata say why it may be open."""


def functions_with_url(template: Template) -> set[str]:
    """Return the logical ids of the functions that a URL calls."""
    function_ids = set()
    for url in template.resources(URL):
        target = reference(url.get("TargetFunctionArn"))
        alias = template.resource(target) if target else None
        if alias is not None and alias.type == "AWS::Lambda::Alias":
            target = reference(alias.get("FunctionName"))
        if target is not None:
            function_ids.add(target)
    return function_ids


@rule(
    "TM-URL-AUTH", "A hardened stage's URL asks for signed requests", "Anybody on the internet could ask, at our cost"
)
def url_auth(template: Template) -> Iterator[Fault]:
    """Look at the URL's authentication; an open one must be bounded, and meant by somebody, wherever it is."""
    for url in template.resources(URL):
        if url.get("AuthType") == "AWS_IAM":
            continue
        if template.hardened:
            yield Fault(url.logical_id, "Properties/AuthType", "the URL is open to the internet")
            continue
        if OPEN_URL not in {str(mapping(skipped).get("id")) for skipped in items(url.metadata("checkov", "skip"))}:
            yield Fault(url.logical_id, f"Metadata/checkov/skip/{OPEN_URL}", "nobody says why the URL may be open")
        for name in functions_with_url(template):
            function = template.resource(name)
            if function is not None and function.get("ReservedConcurrentExecutions") is None:
                yield Fault(url.logical_id, "Properties/AuthType", "the URL is open and has no bound of concurrency")


@rule("TM-URL-ALIAS", "A URL is on an alias", "Its address would change with the first traffic shift")
def url_alias(template: Template) -> Iterator[Fault]:
    """Look at the URL's qualifier."""
    for url in template.resources(URL):
        if not url.get("Qualifier"):
            yield Fault(url.logical_id, "Properties/Qualifier", "the URL is on the function itself")


@rule(
    "TM-URL-CORS", "Web pages may call the URL from named origins only", "Any page in a caller's browser could call it"
)
def url_cors(template: Template) -> Iterator[Fault]:
    """Look at the origins that a browser is told."""
    for url in template.resources(URL):
        for number, origin in enumerate(items(url.get("Cors", "AllowOrigins"))):
            if "*" in str(origin):
                yield Fault(url.logical_id, f"Properties/Cors/AllowOrigins/{number}", "pages of any origin may call it")


@rule("TM-FUNCTION-PERMISSION", "Only known services may invoke a function", "Strangers could invoke it past the URL")
def permission(template: Template) -> Iterator[Fault]:
    """Look at whom resource policies allow."""
    open_urls = any(url.get("AuthType") == "NONE" for url in template.resources(URL)) and not template.hardened
    for resource in template.resources(PERMISSION):
        if resource.get("Principal") == "*" and not open_urls:
            yield Fault(resource.logical_id, "Properties/Principal", "everybody may invoke the function")
        if resource.get("FunctionUrlAuthType") is None and _invokes_past_the_url(resource):
            yield Fault(resource.logical_id, "Properties/InvokedViaFunctionUrl", "it may be invoked past the URL")
        service = str(resource.get("Principal")).endswith(SERVICES)
        if service and not resource.get("SourceArn") and not resource.get("SourceAccount"):
            yield Fault(resource.logical_id, "Properties/SourceArn", "the service may invoke it for any account")


def _invokes_past_the_url(found: Resource) -> bool:
    """Whether a permission is a person's or a role's, and good for more than the URL."""
    principal = str(found.get("Principal"))
    return not principal.endswith(SERVICES) and found.get("InvokedViaFunctionUrl") is not True


@rule("TM-FUNCTION-LOGS", "A function's log group is declared", "Lambda would make one without key or retention")
def logs(template: Template) -> Iterator[Fault]:
    """Look for the group that the function is told."""
    for function in template.resources(FUNCTION):
        if not function.get("LoggingConfig", "LogGroup"):
            yield Fault(
                function.logical_id, "Properties/LoggingConfig/LogGroup", "the function's log group is not ours"
            )


RULES: Final[tuple[Rule, ...]] = (
    url_auth,
    url_cors,
    url_alias,
    permission,
    logs,
)
