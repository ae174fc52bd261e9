"""The edge to MiniStack: every private name of it that we use, in one table, behind typed functions.

MiniStack has no types and no public hooks for what we add, so its version is pinned exactly and a test asserts that
each name here exists. `Any` stays in this module.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from local_cloud.service_model import ServiceModel
    from local_cloud.wire import JsonObject, JsonValue

Headers: TypeAlias = "dict[str, str]"
Query: TypeAlias = "Mapping[str, Sequence[str] | str]"
Response: TypeAlias = "tuple[int, dict[str, str], bytes]"
ServiceHandler: TypeAlias = Callable[[str, str, Headers, bytes, Query], Awaitable[Response]]

NAMES: list[PrivateName] = []


@dataclass(frozen=True)
class PrivateName:
    """One attribute of a MiniStack module, or of a class in it (`Worker._spawn`)."""

    module: str
    name: str

    def get(self) -> Any:  # noqa: ANN401 - the one place where what has no type comes in
        """Return what the name stands for."""
        return functools.reduce(getattr, self.name.split("."), self._module())

    def set(self, value: object) -> None:
        """Put `value` in its place."""
        *owners, last = self.name.split(".")
        setattr(functools.reduce(getattr, owners, self._module()), last, value)

    def wrap(self, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Replace a function by `wrapper(function)`."""
        original = self.get()
        self.set(functools.wraps(original)(wrapper(original)))

    def _module(self) -> object:
        return importlib.import_module(f"ministack.{self.module}")


def _name(module: str, name: str) -> PrivateName:
    entry = PrivateName(module, name)
    NAMES.append(entry)
    return entry


ASGI_APP = _name("app", "app")
SERVICE_HANDLERS = _name("app", "SERVICE_HANDLERS")
DATA_PLANE_ORIGIN = _name("app", "pin_request_origin")
FIX_SUCCESS_TYPE = _name("app", "fix_success_content_type")
FIX_ERROR_TYPE = _name("app", "fix_error_content_type")
FUNCTION_URL = _name("app", "_handle_lambda_url_request")
PARSE_FUNCTION_URL = _name("app", "_parse_lambda_url")
FUNCTION_URL_TARGET = _name("app", "_function_url_auth_target")
FUNCTION_URL_CORS = _name("services.lambda_svc", "_function_url_cors_headers")
SERVICE_PATTERNS = _name("core.router", "SERVICE_PATTERNS")
IAM_NAMESPACES = _name("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE")
IAM_BOTOCORE_SERVICES = _name("core.iam_actions", "_BOTOCORE_SERVICE_MAP")
IAM_RESOURCE_ARN = _name("core.iam_actions", "extract_resource_arn")
IAM_ACTION = _name("core.iam_actions", "extract_iam_action")
IAM_DENIED_RESPONSE = _name("core.iam_actions", "access_denied_response")
IAM_REQUEST_KEYS = _name("core.iam_actions", "request_tag_context")
IAM_ENFORCE = _name("core.iam_evaluator", "enforce")
IAM_EVALUATE = _name("core.iam_evaluator", "evaluate")
IAM_CONTEXT = _name("core.iam_evaluator", "EvalContext")
IAM_TRUST = _name("core.iam_evaluator", "evaluate_trust_policy")
IAM_ROLE_POLICIES = _name("core.iam_evaluator", "_gather_role_policies")
IAM_ROLES = _name("services.iam", "_roles")
REGISTER_SESSION = _name("services.sts", "register_session")
SESSIONS = _name("services.sts", "_sessions")
EXTRACT_ACCESS_KEY = _name("core.router", "extract_access_key_id")
REQUEST_SCOPE = _name("core.responses", "request_scope")
GET_ACCOUNT = _name("core.responses", "get_account_id")
GET_REGION = _name("core.responses", "get_region")
SERVICE_MODEL = _name("core.responses", "_service_model")
LOGS_CREATE_GROUP = _name("services.cloudwatch_logs", "_create_log_group")
LOGS_CREATE_STREAM = _name("services.cloudwatch_logs", "_create_log_stream")
LOGS_PUT = _name("services.cloudwatch_logs", "_put_log_events")
METRICS_STORE = _name("services.cloudwatch", "_store_datum")
METRICS = _name("services.cloudwatch", "_metrics")
METRIC_DIMENSIONS = _name("services.cloudwatch", "_dims_key")
METRIC_STATISTICS = _name("services.cloudwatch", "_calc_stats")
METRIC_STATISTIC = _name("services.cloudwatch", "_stat_value")
ALARMS = _name("services.cloudwatch", "_alarms")
COMPOSITE_ALARMS = _name("services.cloudwatch", "_composite_alarms")
ALARM_EVALUATE = _name("services.cloudwatch", "_evaluate_alarm")
ALARMS_EVALUATE = _name("services.cloudwatch", "_evaluate_all_alarms")
ALARM_HISTORY = _name("services.cloudwatch", "_record_history")
ALARM_ACTIONS = _name("services.cloudwatch", "_dispatch_alarm_actions")
ALARM_PARENTS = _name("services.cloudwatch", "_evaluate_parent_alarms")
LAMBDA_FUNCTIONS = _name("services.lambda_svc", "_functions")
LAMBDA_VPC = _name("services.lambda_svc", "_vpc_config_with_id")
LAMBDA_DRAIN_STDERR = _name("core.lambda_runtime", "Worker._drain_stderr_bounded")
CFN_CUSTOM_INVOKE = _name("services.cloudformation.custom_resource", "invoke_custom_resource")
CFN_CUSTOM_ANSWER = _name("services.cloudformation.custom_resource", "deliver_response")
CFN_STACKS = _name("services.cloudformation", "_stacks")
CFN_HANDLERS = _name("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
CFN_REPLACING = _name("services.cloudformation.provisioners", "_REPLACING_PROPERTIES")
CFN_CUSTOM_NAMES = _name("services.cloudformation.provisioners", "_CUSTOM_NAME_REPLACEMENT")
CFN_STACK_TAGS = _name("services.cloudformation.provisioners", "_STACK_TAG_PROPERTY")
CFN_ON_THREAD = _name("services.cloudformation.stacks", "_runs_on_worker_thread")
CFN_PROVISION = _name("services.cloudformation.stacks", "_provision_resource")
CFN_PROVISION_REPLACEMENT = _name("services.cloudformation.provisioners", "_provision_resource")
CFN_UPDATE_RESOURCE = _name("services.cloudformation.stacks", "_update_resource")
CFN_DELETE_RESOURCE = _name("services.cloudformation.stacks", "_delete_resource")
CFN_CONDITIONS_OF_STACKS = _name("services.cloudformation.stacks", "_evaluate_conditions")
CFN_CONDITIONS_OF_REQUESTS = _name("services.cloudformation.handlers", "_evaluate_conditions")
CFN_CONDITIONS_OF_CHANGES = _name("services.cloudformation.changesets", "_evaluate_conditions")
CFN_ERROR = _name("services.cloudformation.helpers", "_error")
SFN_DISPATCH = _name("services.stepfunctions", "_SERVICE_DISPATCH")
SFN_SDK_SERVICES = _name("services.stepfunctions", "_AWS_SDK_SERVICE_MAP")
SFN_SDK_PREFIXES = _name("services.stepfunctions", "_AWS_SDK_ERROR_PREFIX")
SFN_SDK_CODES = _name("services.stepfunctions", "_AWS_SDK_ERROR_CODE_OVERRIDES")
SFN_ERROR = _name("services.stepfunctions", "_ExecutionError")
SFN_EXECUTIONS = _name("services.stepfunctions", "_executions")
SFN_STATE_MACHINES = _name("services.stepfunctions", "_state_machines")
SFN_RUN = _name("services.stepfunctions", "_run_execution")
SFN_TIMEOUT = _name("services.stepfunctions", "_invoke_resource_with_timeout")
S3_BUCKETS = _name("services.s3", "_buckets")
S3_VERSIONS = _name("services.s3", "_object_versions")
S3_TAGS = _name("services.s3", "_bucket_tags")
S3_ENCRYPTION = _name("services.s3", "_bucket_encryption")
S3_ENCRYPTION_PUT = _name("services.s3", "_put_bucket_encryption")
S3_WRITE_ENCRYPTION = _name("services.s3", "_resolve_sse_write_headers")
EC2_FLOW_LOGS = _name("services.ec2", "_flow_logs")
EC2_FLOW_LOG_CREATE = _name("services.ec2", "_create_flow_logs")
EC2_TAGS = _name("services.ec2", "_tags")
REENTRANT = _name("core.concurrency", "run_reentrant")


@dataclass(frozen=True)
class Scope:
    """The account and region that a request acts in."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def current_scope() -> Scope:
    """Return the scope of the request that is being answered."""
    return Scope(account=str(GET_ACCOUNT.get()()), region=str(GET_REGION.get()()))


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Act in `scope`, on a thread that answers no request."""
    with REQUEST_SCOPE.get()(scope.account, scope.region):
        yield


async def off_loop(function: Callable[..., Response], *arguments: object) -> Response:
    """Run blocking work that may call this server again on a thread of its own."""
    response: Response = await REENTRANT.get()(function, *arguments)
    return response


def add_service(name: str, *, target_prefix: str, handler: ServiceHandler) -> None:
    """Serve a new service: by its JSON target prefix, or by the credential scope of REST requests."""
    SERVICE_PATTERNS.get()[name] = {"target_prefixes": [f"{target_prefix}."]}
    SERVICE_HANDLERS.get()[name] = handler


def gate_service(name: str, until: Callable[[bytes], Awaitable[None]]) -> None:
    """Let a service's requests wait for `until`, which is given their body, before its handler sees them."""
    handlers: dict[str, ServiceHandler] = SERVICE_HANDLERS.get()
    original = handlers[name]

    async def gated(method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        await until(body)
        return await original(method, path, headers, body, query)

    handlers[name] = gated


def check_service(name: str, check: Callable[[Headers, bytes, Query], Response | None]) -> None:
    """Let `check` answer a service's request in its place: a refusal, or None to let it pass."""
    handlers: dict[str, ServiceHandler] = SERVICE_HANDLERS.get()
    original = handlers[name]

    async def checked(method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        return check(headers, body, query) or await original(method, path, headers, body, query)

    handlers[name] = checked


def botocore_model(service: str) -> ServiceModel:
    """Return botocore's service model, the one copy that this process holds."""
    model: ServiceModel = SERVICE_MODEL.get()(service)
    return model


# Logs and metrics.


def put_log_lines(scope: Scope, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
    """Append (epoch milliseconds, message) to a stream; group and stream are made where they are missing."""
    with within(scope):
        # Either answers "already exists" from the second time on.
        LOGS_CREATE_GROUP.get()({"logGroupName": group})
        LOGS_CREATE_STREAM.get()({"logGroupName": group, "logStreamName": stream})
        LOGS_PUT.get()(
            {
                "logGroupName": group,
                "logStreamName": stream,
                "logEvents": [{"timestamp": stamp, "message": message} for stamp, message in events],
            }
        )


def put_metric(
    scope: Scope,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    *,
    unit: str,
    values: Mapping[float, int],
    at: float,
) -> None:
    """Publish a metric datum: how often each value was seen, at epoch seconds `at`."""
    with within(scope):
        METRICS_STORE.get()(
            namespace, name, dict(dimensions), at, unit, None, list(values), [float(n) for n in values.values()], None
        )


def evaluate_alarms(scope: Scope) -> None:
    """Let CloudWatch look at its alarms, as it does after each PutMetricData."""
    with within(scope):
        ALARMS_EVALUATE.get()()


def scopes_with_alarms() -> set[Scope]:
    """Return where there are alarms."""
    return {Scope(account, region) for account, region, _ in list(ALARMS.get()._data)}  # noqa: SLF001


def alarm_state(scope: Scope, name: str) -> str | None:
    """Return an alarm's state, of a metric's or a composite one; None where there is none of this name."""
    with within(scope):
        alarm = ALARMS.get().get(name) or COMPOSITE_ALARMS.get().get(name)
    return str(alarm["StateValue"]) if alarm else None


class MetricAlarm:
    """One alarm of a metric, in the scope that is current."""

    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record
        self.period_s = int(record.get("Period") or 60)
        self.periods = int(record.get("EvaluationPeriods") or 1)
        self.to_alarm = int(record.get("DatapointsToAlarm") or self.periods)
        self.comparison = str(record.get("ComparisonOperator") or "") if record.get("MetricName") else ""
        self.threshold = float(record.get("Threshold") or 0)
        self.missing = str(record.get("TreatMissingData") or "missing")
        self.statistic = str(record.get("ExtendedStatistic") or record.get("Statistic") or "Average")

    @property
    def state(self) -> str:
        """Its state."""
        return str(self._record["StateValue"])

    def data(self, since: float) -> list[tuple[float, object]]:
        """Return the data of its metric and dimensions since then, in epoch seconds, the newest first."""
        dimensions = {item["Name"]: item["Value"] for item in self._record.get("Dimensions") or []}
        key = (self._record["Namespace"], self._record["MetricName"], METRIC_DIMENSIONS.get()(dimensions))
        recent = itertools.takewhile(lambda item: item["Timestamp"] >= since, reversed(METRICS.get().get(key) or []))
        return [(float(item["Timestamp"]), item) for item in recent]

    def value(self, data: Sequence[object]) -> float | None:
        """Return its statistic of some data."""
        value = METRIC_STATISTIC.get()(METRIC_STATISTICS.get()(data), self.statistic, data)
        return None if value is None else float(value)

    def enter(self, state: str, reason: str) -> None:
        """Change its state, with all that follows from that."""
        old, self._record["StateValue"] = self.state, state
        self._record |= {"StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        ALARM_HISTORY.get()(self._record["AlarmName"], old, state, reason)
        ALARM_ACTIONS.get()(self._record, old, state, reason)
        ALARM_PARENTS.get()(self._record)


def replace_alarm_evaluation(evaluate: Callable[[MetricAlarm], bool]) -> None:
    """Look at each alarm by `evaluate`, and by MiniStack's own way where that answers False."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def evaluated(record: dict[str, Any]) -> None:
            if not evaluate(MetricAlarm(record)):
                original(record)

        return evaluated

    ALARM_EVALUATE.wrap(wrapper)


def function_of_url(host: str, path: str) -> str:
    """Return the ARN of the function, or alias, that a Function URL calls; '' where it is none."""
    parsed = PARSE_FUNCTION_URL.get()(host, path)
    return str(FUNCTION_URL_TARGET.get()(parsed[0])[0] or "") if parsed else ""


def configure_function(name: str, told: Mapping[str, object], *, vpc: object, reserved: int | None) -> None:
    """Give a function what GetFunctionConfiguration tells besides, its place in a VPC, and its reserved concurrency."""
    function = LAMBDA_FUNCTIONS.get()[name]
    function["config"] |= {**told, "VpcConfig": LAMBDA_VPC.get()(vpc)}
    function["concurrency"] = reserved


def url_asks_for_signatures(host: str, path: str) -> bool:
    """Tell whether a Function URL takes signed requests only."""
    return _url_config(host, path).get("AuthType") == "AWS_IAM"


def cors_of_url(host: str, path: str, headers: Headers) -> dict[str, str] | None:
    """Return what a Function URL tells a browser of a request's origin; None where it has nothing set for browsers."""
    config = _url_config(host, path)
    return dict(FUNCTION_URL_CORS.get()(config, headers)) if config.get("Cors") else None


def _url_config(host: str, path: str) -> dict[str, Any]:
    parsed = PARSE_FUNCTION_URL.get()(host, path)
    resolved = FUNCTION_URL_TARGET.get()(parsed[0])[2] if parsed else None
    return dict(resolved[4]) if resolved else {}


# Identity.


@dataclass(frozen=True)
class Role:
    """An IAM role as far as we ask for it."""

    arn: str
    name: str
    trust: JsonObject


def find_role(scope: Scope, arn: str) -> Role | None:
    """Return the role of this ARN, or None where there is none."""
    with within(scope):
        record = IAM_ROLES.get().get(arn.rsplit("/", 1)[-1])
    if record is None or record.get("Arn") != arn:
        return None
    document = record.get("AssumeRolePolicyDocument") or {}
    trust = json.loads(document) if isinstance(document, str) else document
    return Role(arn=arn, name=str(record["RoleName"]), trust=trust)


def trusts(role: Role, statements: Sequence[JsonValue], scope: Scope, keys: Mapping[str, str]) -> bool:
    """Evaluate trust-policy `statements` for a caller inside AWS, with the condition keys that it sends."""
    root = f"arn:aws:iam::{scope.account}:root"
    with within(scope):
        context = IAM_CONTEXT.get()(
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
        return bool(IAM_TRUST.get()({"Statement": list(statements)}, root, context))


def role_allows(role_arn: str, scope: Scope, action: str, resource: str, keys: Mapping[str, str]) -> bool:
    """Evaluate a role's own policies for one action, as for a request signed by it."""
    with within(scope):
        context = IAM_CONTEXT.get()(
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
        policies = IAM_ROLE_POLICIES.get()(role_arn.rsplit("/", 1)[-1], scope.account)
        return bool(IAM_EVALUATE.get()(context, policies).decision == "Allow")


def caller_denial(headers: Headers, scope: Scope, action: str, resource: str, keys: Mapping[str, str]) -> str | None:
    """Return the ARN of the request's caller when its policies deny the action; None when they allow it."""
    denied = IAM_ENFORCE.get()(
        EXTRACT_ACCESS_KEY.get()(headers, {}),
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
    refused: Response = IAM_DENIED_RESPONSE.get()(service, action, principal, request_id, resource_arn=resource)
    return refused


def register_session(access_key: str, *, arn: str, secret: str, token: str) -> None:
    """Make STS know temporary credentials of an assumed role."""
    REGISTER_SESSION.get()(
        access_key, {"Arn": arn, "UserId": arn.split("/", 1)[1], "SecretAccessKey": secret, "SessionToken": token}
    )


def expire_sessions(role_arn: str) -> int:
    """Let the temporary credentials of a role be past their time, and return how many there were."""
    name = role_arn.rsplit("/", 1)[-1]
    found = [each for each in SESSIONS.get().values() if str(each.get("Arn", "")).split("/")[1:2] == [name]]
    for session in found:
        session["Expiration"] = time.time() - 1
    return len(found)


# Step Functions.


def execution_error(error: str, cause: str) -> Exception:
    """Return what a task raises so that Retry and Catch see `error`."""
    raised: Exception = SFN_ERROR.get()(error, cause)
    return raised


def error_name(error: BaseException) -> str:
    """Return the error name of what a task raised, or ''."""
    return str(getattr(error, "error", ""))


def execution_is_running(arn: str) -> bool:
    """Tell whether an execution still runs."""
    execution = SFN_EXECUTIONS.get().get(arn)
    return bool(execution and execution["status"] == "RUNNING")


def execution_role(arn: str) -> str:
    """Return the ARN of the role that an execution's state machine acts under."""
    execution = SFN_EXECUTIONS.get().get(arn)
    machine = SFN_STATE_MACHINES.get().get(execution["stateMachineArn"]) if execution else None
    return str(machine["roleArn"]) if machine else ""


# CloudFormation.


def stack_name(name: str) -> str:
    """Return a stack's name, given that or its ARN."""
    return name.split("/")[1] if name.startswith("arn:") and "/" in name else name


def stack_status(name: str) -> str:
    """Return the status of a stack by name or ARN; '' where there is none."""
    stack = CFN_STACKS.get().get(stack_name(name))
    return str(stack["StackStatus"]) if stack else ""


# EC2.


def create_flow_log(properties: Mapping[str, str]) -> str:
    """Record a flow log of one resource, named by CloudFormation's properties, and return its id."""
    _, _, body = EC2_FLOW_LOG_CREATE.get()({**properties, "ResourceId.1": properties["ResourceId"]})
    return str(ET.fromstring(body).findtext(".//{*}flowLogIdSet/{*}item"))  # noqa: S314 - MiniStack's own answer


def delete_flow_log(flow_log: str) -> None:
    """Forget a flow log; one that is not there is no error."""
    EC2_FLOW_LOGS.get().pop(flow_log, None)
    EC2_TAGS.get().pop(flow_log, None)


def tag_ec2(resource: str, tags: Mapping[str, str]) -> None:
    """Give a resource of EC2 these tags and no others."""
    EC2_TAGS.get()[resource] = [{"Key": key, "Value": value} for key, value in tags.items()]


def cloudformation_error(message: str) -> Response:
    """Return CloudFormation's refusal of a request that asks for what cannot be."""
    refused: Response = CFN_ERROR.get()("ValidationError", message)
    return refused
