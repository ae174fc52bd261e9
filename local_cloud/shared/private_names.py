"""Every private name of MiniStack that we use, in one table.

MiniStack has no types and no public hooks for what we add, so its version is pinned exactly and a test asserts that
each name here exists. `Any` stays here and in `emulator.py`, `emulated_metrics.py` and `emulated_identity.py`, which
put typed functions before the names.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
PRE_BODY = _name("app", "_handle_pre_body_request")
POST_BODY = _name("app", "_handle_post_body_shortcuts")
ACCOUNT_SCOPE = _name("app", "_request_account_scope")
DETECT_SERVICE = _name("app", "detect_service")
ROUTING_PARAMETERS = _name("app", "_routing_params")
CREDENTIAL_FAILURE = _name("app", "_credential_failure")
SERVICE_HANDLERS = _name("app", "SERVICE_HANDLERS")
DATA_PLANE_ORIGIN = _name("app", "pin_request_origin")
FIX_SUCCESS_TYPE = _name("app", "fix_success_content_type")
FIX_ERROR_TYPE = _name("app", "fix_error_content_type")
FUNCTION_URL = _name("app", "_handle_lambda_url_request")
PARSE_FUNCTION_URL = _name("app", "_parse_lambda_url")
FUNCTION_URL_TARGET = _name("app", "_function_url_auth_target")
FUNCTION_URL_CORS = _name("services.lambda_svc", "_function_url_cors_headers")
FUNCTION_URL_EVENT = _name("services.lambda_svc", "_build_function_url_event")
SERVICE_PATTERNS = _name("core.router", "SERVICE_PATTERNS")
IAM_NAMESPACES = _name("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE")
IAM_BOTOCORE_SERVICES = _name("core.iam_actions", "_BOTOCORE_SERVICE_MAP")
IAM_RESOURCE_ARN = _name("core.iam_actions", "extract_resource_arn")
IAM_ACTION = _name("core.iam_actions", "extract_iam_action")
IAM_DENIED_RESPONSE = _name("core.iam_actions", "access_denied_response")
IAM_REQUEST_KEYS = _name("core.iam_actions", "request_tag_context")
IAM_ENFORCE = _name("core.iam_evaluator", "enforce")
IAM_AUTHENTICATE = _name("core.iam_evaluator", "authenticate")
IAM_AUTH_ERROR = _name("core.iam_evaluator", "AuthError")
IAM_SIGNED_REQUEST = _name("core.iam_evaluator", "_signed_request")
IAM_IS_ROOT_KEY = _name("core.iam_evaluator", "is_root_access_key")
IAM_EVALUATE = _name("core.iam_evaluator", "evaluate")
IAM_CONTEXT = _name("core.iam_evaluator", "EvalContext")
IAM_PARSE_POLICY = _name("core.iam_evaluator", "parse_policy_document")
IAM_TRUST = _name("core.iam_evaluator", "evaluate_trust_policy")
IAM_ROLE_POLICIES = _name("core.iam_evaluator", "_gather_role_policies")
IAM_BOUNDARY = _name("core.iam_evaluator", "_permissions_boundary")
IAM_ROLES = _name("services.iam", "_roles")
IAM_HANDLERS = _name("services.iam", "_IAM_HANDLERS")
IAM_ERROR = _name("services.iam", "_error")
IAM_KNOWN = _name("services.iam", "policy_known")
IAM_ATTACH = _name("services.iam", "attach_managed_policy")
IAM_ATTACH_TO_ROLE = _name("services.iam", "_attach_role_policy")
IAM_ATTACH_TO_USER = _name("services.iam", "_attach_user_policy")
IAM_ATTACH_TO_GROUP = _name("services.iam", "_attach_group_policy")
IAM_SEED = _name("services.iam", "_seed_aws_managed_policies")
IAM_MANAGED = _name("services.iam", "_aws_managed_policies")
IAM_MANAGED_RECORD = _name("services.iam", "_make_aws_managed_record")
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
LOGS_FILTER = _name("services.cloudwatch_logs", "_filter_log_events")
LOGS_GET = _name("services.cloudwatch_logs", "_get_log_events")
LOGS_PATTERN = _name("services.cloudwatch_logs", "_compile_filter_pattern")
LOGS_GROUP_NAME = _name("services.cloudwatch_logs", "_resolve_log_group_name")
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
LAMBDA_INVOKE = _name("services.lambda_svc", "_invoke")
LAMBDA_LOG = _name("services.lambda_svc", "_emit_lambda_logs")
LOG_GROUPS = _name("services.cloudwatch_logs", "_log_groups")
LAMBDA_CREATE = _name("services.lambda_svc", "_create_function")
LAMBDA_UPDATE = _name("services.lambda_svc", "_update_config")
LAMBDA_ALIAS_CREATE = _name("services.lambda_svc", "_create_alias")
LAMBDA_ALIAS_UPDATE = _name("services.lambda_svc", "_update_alias")
LAMBDA_RESERVE = _name("services.lambda_svc", "_put_function_concurrency")
LAMBDA_PROVISION = _name("services.lambda_svc", "_put_provisioned_concurrency")
LAMBDA_VPC = _name("services.lambda_svc", "_vpc_config_with_id")
FUNCTION_CREDENTIALS = _name("core.lambda_runtime", "execution_credentials")
LAMBDA_DRAIN_STDERR = _name("core.lambda_runtime", "Worker._drain_stderr_bounded")
LAMBDA_COLLECT = _name("core.lambda_runtime", "_collect")
LAMBDA_WORKER_INVOKE = _name("core.lambda_runtime", "Worker.invoke")
LAMBDA_RESET = _name("core.lambda_runtime", "reset")
CFN_CUSTOM_PENDING = _name("services.cloudformation.custom_resource", "_pending")
CFN_CUSTOM_INVOKE = _name("services.cloudformation.custom_resource", "invoke_custom_resource")
CFN_CUSTOM_REGISTER = _name("services.cloudformation.custom_resource", "register_token")
CFN_CUSTOM_ANSWER = _name("services.cloudformation.custom_resource", "deliver_response")
CFN_DEPLOY_OF_REQUESTS = _name("services.cloudformation.handlers", "_deploy_stack_async")
CFN_DEPLOY_OF_CHANGES = _name("services.cloudformation.changesets", "_deploy_stack_async")
CFN_DELETE_STACK = _name("services.cloudformation.handlers", "_delete_stack_async")
CFN_ROLL_BACK = _name("services.cloudformation.stacks", "_roll_back_operation")
CFN_RESOLVE = _name("services.cloudformation.stacks", "_resolve_refs")
CFN_STACKS = _name("services.cloudformation", "_stacks")
CFN_HANDLERS = _name("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
CFN_REPLACING = _name("services.cloudformation.provisioners", "_REPLACING_PROPERTIES")
CFN_REPLACING_IF = _name("services.cloudformation.provisioners", "_CONDITIONALLY_REPLACING_PROPERTIES")
CFN_REPLACES = _name("services.cloudformation.provisioners", "_replacing_change")
CFN_REPLACES_IN_STACKS = _name("services.cloudformation.stacks", "_replacing_change")
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
CFN_SUPPORT_OF_REQUESTS = _name("services.cloudformation.handlers", "validate_template_support")
CFN_SUPPORT_OF_CHANGES = _name("services.cloudformation.changesets", "validate_template_support")
CFN_PARAMETERS_OF_REQUESTS = _name("services.cloudformation.handlers", "_resolve_parameters")
CFN_PARAMETERS_OF_CHANGES = _name("services.cloudformation.changesets", "_resolve_parameters")
CFN_OUTPUTS = _name("services.cloudformation.stacks", "_resolve_stack_outputs")
CFN_EXPORTS = _name("services.cloudformation", "_exports")
CFN_IMPORTED = _name("services.cloudformation.handlers", "_imported_export_names")
CFN_ERROR = _name("services.cloudformation.helpers", "_error")
SFN_DISPATCH = _name("services.stepfunctions", "_SERVICE_DISPATCH")
SFN_SDK_SERVICES = _name("services.stepfunctions", "_AWS_SDK_SERVICE_MAP")
SFN_SDK_PREFIXES = _name("services.stepfunctions", "_AWS_SDK_ERROR_PREFIX")
SFN_SDK_CODES = _name("services.stepfunctions", "_AWS_SDK_ERROR_CODE_OVERRIDES")
SFN_ERROR = _name("services.stepfunctions", "_ExecutionError")
SFN_EXECUTIONS = _name("services.stepfunctions", "_executions")
SFN_STATE_MACHINES = _name("services.stepfunctions", "_state_machines")
SFN_CREATE = _name("services.stepfunctions", "_create_state_machine")
SFN_UPDATE = _name("services.stepfunctions", "_update_state_machine")
SFN_START = _name("services.stepfunctions", "_start_execution")
CFN_SFN_DEFINITION = _name("services.cloudformation.provisioners", "_sfn_definition")
SFN_FAIL = _name("services.stepfunctions", "_fail_execution")
SFN_RUN = _name("services.stepfunctions", "_run_execution")
SFN_TIMEOUT = _name("services.stepfunctions", "_invoke_resource_with_timeout")
EVENTS_TARGET = _name("services.eventbridge", "_invoke_target")
S3_PRESIGNED = _name("services.s3", "_verify_presigned_sigv4")
S3_BUCKETS = _name("services.s3", "_buckets")
S3_VERSIONS = _name("services.s3", "_object_versions")
S3_TAGS = _name("services.s3", "_bucket_tags")
S3_ENCRYPTION = _name("services.s3", "_bucket_encryption")
S3_ENCRYPTION_PUT = _name("services.s3", "_put_bucket_encryption")
S3_WRITE_ENCRYPTION = _name("services.s3", "_resolve_sse_write_headers")
EC2_DEFAULTS = _name("services.ec2", "_ensure_defaults_initialized")
EC2_ERROR = _name("services.ec2", "_error")
EC2_VPCS = _name("services.ec2", "_vpcs")
EC2_GROUPS = _name("services.ec2", "_security_groups")
EC2_SUBNETS = _name("services.ec2", "_subnets")
EC2_ROUTE_TABLES = _name("services.ec2", "_route_tables")
EC2_ENDPOINTS = _name("services.ec2", "_vpc_endpoints")
EC2_FLOW_LOGS = _name("services.ec2", "_flow_logs")
EC2_FLOW_LOG_CREATE = _name("services.ec2", "_create_flow_logs")
EC2_TAGS = _name("services.ec2", "_tags")
REENTRANT = _name("core.concurrency", "run_reentrant")
