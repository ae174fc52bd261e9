"""What AWS documents that it refuses, as far as these templates or a likely change of them can meet it.

Each row is raised from here, so that what the local cloud says is what `docs/aws-refusals.md` tells:
`python -m local_cloud.shared.refusals > docs/aws-refusals.md`. Each row is provoked by the case of its name in
`tests/local_cloud/test_documented_refusals.py`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from local_cloud.shared.service_errors import BAD_REQUEST, ServiceError

SAGEMAKER, SCALING = "SageMaker", "Application Auto Scaling"
CLOUDFORMATION, LAMBDA, STEP_FUNCTIONS, EC2 = "CloudFormation", "Lambda", "Step Functions", "EC2"
_DOCS = "https://docs.aws.amazon.com/"
_API = "sagemaker/latest/APIReference/API_"
_GUIDE = "sagemaker/latest/dg/"
_SCALING_API = "autoscaling/application/APIReference/API_"
_CFN_API = "AWSCloudFormation/latest/APIReference/API_"
_CFN_GUIDE = "AWSCloudFormation/latest/UserGuide/"
_CFN_LIMITS = f"{_CFN_GUIDE}cloudformation-limits.html"
_LAMBDA_API = "lambda/latest/api/API_"
_STATES_API = "step-functions/latest/apireference/API_"
_BAD = "ValidationException"
_CFN = "ValidationError"
IN_REASONS = "a job's FailureReason"
"""The code of what fails a job that was accepted."""
IN_EVENTS = "a stack's event"
"""The code of what fails a resource, or a stack, and no request."""
_PLACE = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Refusal:
    """One row.

    Attributes:
        what: what is refused, as the page tells it.
        code: AWS's error code.
        message: the error's text, with a {name} for each value.
        page: the documentation, below docs.aws.amazon.com.
        at_synth: the setting whose validation stops it before a deploy; '' for none.
        by_ministack: whether MiniStack itself refuses; all else is raised from this table.
        status: of the HTTP answer.
    """

    service: str
    what: str
    code: str
    message: str
    page: str
    at_synth: str = ""
    by_ministack: bool = False
    status: int = BAD_REQUEST

    def text(self, **values: object) -> str:
        """Return the message with its values."""
        return self.message.format(**values)

    def error(self, **values: object) -> ServiceError:
        """Return the error to raise."""
        return ServiceError(self.code, self.text(**values), self.status)

    def is_meant_by(self, text: str) -> bool:
        """Tell whether an error's text holds this message, whatever its values."""
        return re.search(".*".join(re.escape(part) for part in _PLACE.split(self.message)), text, re.DOTALL) is not None


# SageMaker: every request.

MODEL_CONSTRAINT = Refusal(
    SAGEMAKER, "A member beyond its minimum, maximum, length, pattern or enum, or a required one that is missing",
    _BAD, "{count} detected: {problems}", f"{_API}CreateTrainingJob.html", "most settings, by their own ranges",
)  # fmt: skip
ROLE_NOT_ASSUMABLE = Refusal(
    SAGEMAKER, "An execution role that is not there, or does not trust SageMaker", _BAD,
    "Could not assume role {role}. Please ensure that the role exists and allows principal '{principal}' to assume "
    "the role.", f"{_GUIDE}sagemaker-roles.html",
)  # fmt: skip
ROLE_NOT_PASSED = Refusal(
    SAGEMAKER, "A role that the caller may not pass", "AccessDeniedException",
    "User: {caller} is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy "
    "allows the iam:PassRole action", f"{_GUIDE}sagemaker-roles.html#sagemaker-roles-pass-role",
)  # fmt: skip
TOO_MANY_TAGS = Refusal(
    SAGEMAKER, "More than 50 tags on a resource", _BAD,
    "The number of tags on {arn} would be {count}; the limit is {limit}.", f"{_API}AddTags.html",
)  # fmt: skip
OVER_QUOTA = Refusal(
    SAGEMAKER, "More instances of a type than the account's quota", "ResourceLimitExceeded",
    "The account-level service limit '{type} for {usage}' is {limit} Instances, with current utilization of {used} "
    "Instances and a request delta of {count} Instances. Please use AWS Service Quotas to request an increase for this "
    "quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.",
    "general/latest/gr/sagemaker.html",
)  # fmt: skip
NO_IMAGE_URI = Refusal(
    SAGEMAKER, "An image that is no ECR path", _BAD,
    "Invalid image URI {image}. Please provide a valid Amazon Elastic Container Registry path of the Docker image to "
    "run.", f"{_API}ContainerDefinition.html",
)  # fmt: skip
NO_REPOSITORY = Refusal(
    SAGEMAKER, "An image whose repository is not there, or is another region's", _BAD,
    "Cannot find repository: {repository} in registry ID: {registry}. Please check if your ECR repository "
    "exists.{known}",
    f"{_GUIDE}your-algorithms-training-algo.html", "the images come from a table of regions",
)  # fmt: skip

NETWORK_MISSING = Refusal(
    SAGEMAKER, "A model or a job in a subnet, or with a security group, that is not there", _BAD, "{problem}",
    f"{_API}VpcConfig.html",
)  # fmt: skip

# SageMaker: jobs.

JOB_NAME_TAKEN = Refusal(
    SAGEMAKER, "The name of an earlier job of the account and region", "ResourceInUse", "{taken} ({arn})",
    f"{_API}CreateTrainingJob.html",
)  # fmt: skip
JOB_ENDED = Refusal(
    SAGEMAKER, "Stopping a job that has ended", _BAD,
    "The request was rejected because the {kind} is in status {status}.", f"{_API}StopTrainingJob.html",
)  # fmt: skip
JOB_MISSING = Refusal(
    SAGEMAKER, "A job of this name is not there", _BAD, "Requested resource not found.",
    f"{_API}DescribeTrainingJob.html",
)  # fmt: skip
NO_INPUT = Refusal(
    SAGEMAKER, "An S3 prefix with no object under it, or that the role may not list", _BAD,
    'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in the '
    'selected region ({region}), that objects exist under that S3 prefix, and that the role "{role}" has '
    '"s3:ListBucket" permissions on bucket "{bucket}".{problem}', f"{_API}S3DataSource.html",
)  # fmt: skip
DUPLICATE_CHANNEL = Refusal(
    SAGEMAKER, "Two channels of one name", _BAD, "Duplicate channel name: {names}", f"{_API}Channel.html"
)
METRICS_OF_A_BUILT_IN = Refusal(
    SAGEMAKER, "Metric definitions for a built-in algorithm", _BAD,
    "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without "
    "specifying metric definitions.", f"{_API}AlgorithmSpecification.html",
)  # fmt: skip
HYPERPARAMETERS_NOT_ALLOWED = Refusal(
    SAGEMAKER, "A hyperparameter of the open NTM for a job of the built-in one", IN_REASONS,
    "ClientError: Additional hyperparameters are not allowed: {names}", f"{_GUIDE}ntm_hyperparameters.html",
 "`hyperparameters`",
)  # fmt: skip
HYPERPARAMETER = Refusal(
    SAGEMAKER, "A hyperparameter that NTM does not know, or a value beyond its range", IN_REASONS,
    "ClientError: {problem}", f"{_GUIDE}ntm_hyperparameters.html", "`hyperparameters`",
)  # fmt: skip
RUNTIME_TOO_LONG = Refusal(
    SAGEMAKER, "A training job that may run longer than 28 days", _BAD,
    "MaxRuntimeInSeconds {seconds} must not exceed {most}.", f"{_API}StoppingCondition.html",
    "`training.max_runtime_s`",
)  # fmt: skip
WAIT_WITHOUT_SPOT = Refusal(
    SAGEMAKER, "A time to wait for Spot capacity without managed Spot training", _BAD,
    "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
    f"{_API}StoppingCondition.html",
)  # fmt: skip
WAIT_BELOW_RUNTIME = Refusal(
    SAGEMAKER, "A Spot job that waits for less time than it may run", _BAD,
    "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
    f"{_API}StoppingCondition.html",
)  # fmt: skip
WAIT_TOO_LONG = Refusal(
    SAGEMAKER, "A built-in algorithm without checkpoints that waits for Spot capacity longer than an hour", _BAD,
    "MaxWaitTimeInSeconds above {most} is not supported for the given algorithm.",
    f"{_GUIDE}model-managed-spot-training.html",
)  # fmt: skip
VOLUME_KEY_ON_LOCAL_DISK = Refusal(
    SAGEMAKER, "A key for the volume of a job on instances that store on disks of their own", _BAD,
    "{member} is not supported for instance type {type}: it has local storage, which a hardware module encrypts.",
    f"{_API}ResourceConfig.html", "the key is left out for these types",
)  # fmt: skip
PAYLOAD_TIMES_CONCURRENCY = Refusal(
    SAGEMAKER, "A transform whose largest payload times concurrency is over 100 MB", _BAD,
    "MaxPayloadInMB {payload} times MaxConcurrentTransforms {concurrency} must not exceed {most} MB.",
    f"{_API}CreateTransformJob.html", "`transform.max_payload_mb`",
)  # fmt: skip
NO_PAYLOAD_LIMIT = Refusal(
    SAGEMAKER, "A transform of a built-in algorithm without a largest payload", _BAD,
    "MaxPayloadInMB of 0 is not supported for built-in algorithms.", f"{_API}CreateTransformJob.html",
    "`transform.max_payload_mb`",
)  # fmt: skip

# SageMaker: models, endpoint configs, endpoints.

MODEL_EXISTS = Refusal(
    SAGEMAKER, "The name of a model that exists", _BAD, 'Cannot create already existing model "{arn}".',
    f"{_API}CreateModel.html", "models are never named",
)  # fmt: skip
MODEL_MISSING = Refusal(
    SAGEMAKER, "A model that is not there", _BAD, 'Could not find model "{arn}".', f"{_API}DescribeModel.html"
)
NO_MODEL_DATA = Refusal(
    SAGEMAKER, "Model data that is not there, or that the role may not read", _BAD,
    'Could not access model data at {uri}. Please ensure that the role "{role}" exists and that its trust relationship '
    'policy allows the action "sts:AssumeRole" for the service principal "{principal}". Also ensure that the role has '
    '"s3:GetObject" permissions and that the object is located in {region}.', f"{_API}CreateModel.html",
)  # fmt: skip
CONFIG_EXISTS = Refusal(
    SAGEMAKER, "The name of an endpoint config that exists", _BAD,
    'Cannot create already existing endpoint configuration "{arn}".', f"{_API}CreateEndpointConfig.html",
    "endpoint configs are never named",
)  # fmt: skip
CONFIG_MISSING = Refusal(
    SAGEMAKER, "An endpoint config that is not there", _BAD, 'Could not find endpoint configuration "{arn}".',
    f"{_API}CreateEndpoint.html",
)  # fmt: skip
VARIANTS_OF_ONE_NAME = Refusal(
    SAGEMAKER, "Two variants of one name", _BAD, "Variant names within an endpoint configuration must be unique.",
    f"{_API}ProductionVariant.html",
)  # fmt: skip
HOST_KEY_ON_LOCAL_DISK = Refusal(
    SAGEMAKER, "A key for the volume of hosts that store on disks of their own", _BAD,
    "KmsKeyId is not supported for variant {variant} of instance type {type}: it has local storage, which a hardware "
    "module encrypts.", f"{_API}CreateEndpointConfig.html", "the key is left out for these types",
)  # fmt: skip
SERVERLESS_MEMORY = Refusal(
    SAGEMAKER, "A serverless memory that is no whole number of gigabytes from 1 to 6", _BAD,
    "Variant {variant}: MemorySizeInMB is {size}; it must be one of {sizes}.",
    f"{_API}ProductionVariantServerlessConfig.html", "`endpoint.serverless.memory_mb`",
)  # fmt: skip
SERVERLESS_PROVISIONED = Refusal(
    SAGEMAKER, "More provisioned concurrency than concurrency", _BAD,
    "Variant {variant}: ProvisionedConcurrency {provisioned} must not exceed MaxConcurrency {most}.",
    f"{_API}ProductionVariantServerlessConfig.html",
)  # fmt: skip
SERVERLESS_INSTANCES = Refusal(
    SAGEMAKER, "Instances of a serverless variant", _BAD,
    "Variant {variant}: {members} cannot be specified with ServerlessConfig.", f"{_API}ProductionVariant.html",
)  # fmt: skip
SERVERLESS_LACKS = Refusal(
    SAGEMAKER, "A serverless endpoint with a VPC, isolation, data capture, a key or several variants", _BAD,
    "Serverless inference endpoints do not support {what}.", f"{_GUIDE}serverless-endpoints.html",
    "`endpoint.serverless`",
)  # fmt: skip
SERVERLESS_COUNT = Refusal(
    SAGEMAKER, "An instance count for a serverless variant", _BAD,
    "Variant {variant} is serverless: it has no DesiredInstanceCount.",
    f"{_API}UpdateEndpointWeightsAndCapacities.html",
)  # fmt: skip
KIND_OF_HOST_CHANGED = Refusal(
    SAGEMAKER, "Moving an endpoint from instances to serverless. The way back is not documented, and treated alike",
    _BAD, "Endpoint {endpoint} is {old} and cannot be updated to {new}: delete it and create it anew.",
    f"{_GUIDE}serverless-endpoints-update.html",
)  # fmt: skip
SCALED_VARIANT_CHANGED = Refusal(
    SAGEMAKER, "Another instance type of a variant that is registered for scaling, or its removal", _BAD,
    'The variant(s) "{variants}" must be deregistered as scalable target(s) from AWS Auto Scaling before they can be '
    "removed or have their instance type updated.", f"{_GUIDE}endpoint-scaling-update.html",
)  # fmt: skip
ENDPOINT_EXISTS = Refusal(
    SAGEMAKER, "The name of an endpoint that exists", _BAD, 'Cannot create already existing endpoint "{arn}".',
    f"{_API}CreateEndpoint.html",
)  # fmt: skip
ENDPOINT_MISSING = Refusal(
    SAGEMAKER, "An endpoint that is not there", _BAD, 'Could not find endpoint "{arn}".',
    f"{_API}DescribeEndpoint.html",
)  # fmt: skip
ENDPOINT_BUSY = Refusal(
    SAGEMAKER, "Updating or deleting an endpoint that is being created, updated or rolled back", _BAD,
    'Cannot update in-progress endpoint "{arn}".', f"{_API}UpdateEndpoint.html",
)  # fmt: skip
ENDPOINT_FAILED = Refusal(
    SAGEMAKER, "Updating an endpoint that could not be created", _BAD,
    'Cannot update failed endpoint "{arn}": it can only be deleted.', f"{_API}DescribeEndpoint.html",
)  # fmt: skip
UNKNOWN_VARIANT = Refusal(
    SAGEMAKER, "The weight or size of a variant that the endpoint does not have", _BAD,
    'The variant name(s) "{names}" is/are not present within endpoint configuration "{config}".',
    f"{_API}UpdateEndpointWeightsAndCapacities.html",
)  # fmt: skip
TWO_ROLLOUT_POLICIES = Refusal(
    SAGEMAKER, "A rollout that is both blue/green and rolling", _BAD,
    "DeploymentConfig must have one of {names}, not both.", f"{_API}DeploymentConfig.html", "`rollout.strategy`",
)  # fmt: skip
ROLLING_SERVERLESS = Refusal(
    SAGEMAKER, "A rolling rollout of a serverless variant", _BAD,
    "Rolling updates are not supported for serverless variants.", f"{_GUIDE}deployment-guardrails-exclusions.html",
    "`rollout.strategy`",
)  # fmt: skip
VARIANTS_CHANGE = Refusal(
    SAGEMAKER, "A rollout to variants of other names", _BAD,
    "DeploymentConfig: the new endpoint configuration must have the variants of the old one, {old}; it has {new}.",
    f"{_GUIDE}deployment-guardrails-exclusions.html",
)  # fmt: skip
ALARMS_MISSING = Refusal(
    SAGEMAKER, "A rollout watched by an alarm that is not there", _BAD,
    "AutoRollbackConfiguration: could not find the alarm(s) {names}.", f"{_API}AutoRollbackConfig.html",
)  # fmt: skip
CAPACITY_MISSING = Refusal(
    SAGEMAKER, "A canary, linear or rolling rollout without its size", _BAD,
    "DeploymentConfig: {member} must be specified for this policy.", f"{_API}TrafficRoutingConfig.html",
)  # fmt: skip
CAPACITY_SHARE = Refusal(
    SAGEMAKER, "A canary over 50 %, a linear step outside of 10 to 50 %, a rolling batch outside of 5 to 50 %", _BAD,
    "DeploymentConfig: {member} must be between {least}% and {most}% of the variant's total instance count; it is "
    "{percent}% of {instances}.", f"{_API}TrafficRoutingConfig.html", "`rollout.step_percent`",
)  # fmt: skip
ROLLOUT_OUT_OF_TIME = Refusal(
    SAGEMAKER, "A rollout whose waits alone take as long as it may take", _BAD,
    "DeploymentConfig: MaximumExecutionTimeoutInSeconds {timeout} must be larger than the waiting time of {waits} in "
    "total.", f"{_API}BlueGreenUpdatePolicy.html",
)  # fmt: skip

# Application Auto Scaling.

TARGET_UNKNOWN_VARIANT = Refusal(
    SCALING, "A variant that the endpoint does not have", _BAD,
    "Variant {variant} not found for endpoint {endpoint}: it has {variants}",
    f"{_SCALING_API}RegisterScalableTarget.html",
)  # fmt: skip
TARGET_SERVERLESS = Refusal(
    SCALING, "Scaling the instances of a serverless variant", _BAD,
    "Variant {variant} is serverless: it has no instance count to scale", f"{_GUIDE}serverless-endpoints.html",
    "serverless endpoints get no target",
)  # fmt: skip
TARGET_BURSTABLE = Refusal(
    SCALING, "Scaling burstable instances (t2 and its like)", _BAD,
    "Variant {variant} is of the burstable instance type {type}, which automatic scaling does not support",
    f"{_GUIDE}endpoint-auto-scaling-prerequisites.html", "`endpoint.instance_type`",
)  # fmt: skip
TARGET_WITHOUT_BOUNDS = Refusal(
    SCALING, "A new target without both of its bounds", _BAD,
    "MinCapacity and MaxCapacity must be specified for a new scalable target",
    f"{_SCALING_API}RegisterScalableTarget.html",
)  # fmt: skip
TARGET_MINIMUM = Refusal(
    SCALING, "Scaling to no instance", _BAD,
    "Minimum capacity is {minimum}: an instance-based variant has 1 instance or more",
    f"{_GUIDE}endpoint-auto-scaling-add-policy.html", "`endpoint.min_instances`",
)  # fmt: skip
TARGET_BOUNDS = Refusal(
    SCALING, "A largest capacity below the smallest", _BAD,
    "Maximum capacity {maximum} cannot be less than minimum capacity {minimum}",
    f"{_SCALING_API}RegisterScalableTarget.html", "`endpoint.max_instances`",
)  # fmt: skip
TARGET_TAGGED_AGAIN = Refusal(
    SCALING, "Tags for a target that is registered already", _BAD,
    "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the "
    "TagResource API.", f"{_SCALING_API}RegisterScalableTarget.html",
)  # fmt: skip
TARGET_RESOURCE = Refusal(
    SCALING, "A resource id that is no variant of an endpoint", _BAD,
    "Unsupported resource ID '{resource}': it must be endpoint/<name>/variant/<name>",
    f"{_SCALING_API}RegisterScalableTarget.html",
)  # fmt: skip
TARGET_MISSING = Refusal(
    SCALING, "A policy for a target that is not registered, or deregistering one twice", "ObjectNotFoundException",
    "No scalable target registered for service namespace: {namespace}, resource ID: {resource}, scalable dimension: "
    "{dimension}", f"{_SCALING_API}DeregisterScalableTarget.html",
)  # fmt: skip
POLICY_MISSING = Refusal(
    SCALING, "Deleting a policy that is not there", "ObjectNotFoundException",
    "No scaling policy found for service namespace: {namespace}, resource ID: {resource}, scalable dimension: "
    "{dimension}, policy name: {name}", f"{_SCALING_API}DeleteScalingPolicy.html",
)  # fmt: skip
SECOND_POLICY = Refusal(
    SCALING, "A second target-tracking policy for one metric", _BAD,
    "Only one TargetTrackingScaling policy for the metric {metric} is allowed on {resource}",
    f"{_SCALING_API}PutScalingPolicy.html",
)  # fmt: skip
TARGET_VALUE = Refusal(
    SCALING, "A target value of 0 or less", _BAD, "TargetValue is {value}: it must be greater than 0",
    f"{_SCALING_API}TargetTrackingScalingPolicyConfiguration.html", "`endpoint.invocations_per_instance_per_minute`",
)  # fmt: skip

# Lambda.

_BAD_VALUE = "InvalidParameterValueException"
FUNCTION_CONSTRAINT = Refusal(
    LAMBDA, "A memory, a size, or a name of a variable beyond its bounds or pattern", _BAD,
    "{count} detected: {problems}", f"{_LAMBDA_API}CreateFunction.html",
)  # fmt: skip
FUNCTION_TIMEOUT = Refusal(
    LAMBDA, "A timeout of more than 15 minutes", _BAD,
    "Value '{seconds}' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to {most}",
    "lambda/latest/dg/configuration-timeout.html",
)  # fmt: skip
ENVIRONMENT_TOO_LARGE = Refusal(
    LAMBDA, "Environment variables of more than 4 KB", _BAD_VALUE,
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
    "exceeded the 4KB limit. String measured: {text}", "lambda/latest/dg/gettingstarted-limits.html",
)  # fmt: skip
ENVIRONMENT_RESERVED = Refusal(
    LAMBDA, "An environment variable of a reserved name", _BAD_VALUE,
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
    "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: "
    "{names}", "lambda/latest/dg/configuration-envvars.html",
)  # fmt: skip
FUNCTION_NETWORK_MISSING = Refusal(
    LAMBDA, "A function in a subnet, or with a security group, that is not there", "InvalidParameterValueException",
    "Error occurred while {operation}. EC2 Error Code: {code}. EC2 Error Message: {problem}",
    "lambda/latest/dg/configuration-vpc.html",
)  # fmt: skip
FUNCTION_WITHOUT_INTERFACES = Refusal(
    LAMBDA, "A function in a VPC whose role may not make network interfaces", "InvalidParameterValueException",
    "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    "lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions",
)  # fmt: skip
REQUEST_TOO_LARGE = Refusal(
    LAMBDA, "A request of more than 6 MB, or of more than 1 MB where nobody waits for the answer",
    "RequestEntityTooLargeException",
    "{count} byte payload is too large for the {kind} invocation type (limit {most} bytes)",
    "lambda/latest/dg/gettingstarted-limits.html", status=413,
)  # fmt: skip
ANSWER_TOO_LARGE = Refusal(
    LAMBDA, "An answer of more than 6 MB: the invocation fails", "Function.ResponseSizeTooLarge",
    "Response payload size exceeded maximum allowed payload size ({most} bytes).",
    "lambda/latest/dg/gettingstarted-limits.html",
)  # fmt: skip
FUNCTION_ROLE_NOT_ASSUMABLE = Refusal(
    LAMBDA, "A role that does not trust Lambda", _BAD_VALUE,
    "The role defined for the function cannot be assumed by Lambda.",
    "lambda/latest/dg/lambda-intro-execution-role.html",
)  # fmt: skip
TOO_LITTLE_UNRESERVED = Refusal(
    LAMBDA, "A reservation that leaves less than 100 executions to all other functions", _BAD_VALUE,
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
    "minimum value of [{least}].", "lambda/latest/dg/configuration-concurrency.html",
)  # fmt: skip
SNAPSTART_STORAGE = Refusal(
    LAMBDA, "SnapStart with more than 512 MB of ephemeral storage", _BAD_VALUE,
    "SnapStart is not supported with ephemeral storage greater than 512 MB.", "lambda/latest/dg/snapstart.html",
    by_ministack=True,
)  # fmt: skip
PROVISIONED_OF_LATEST = Refusal(
    LAMBDA, "Provisioned concurrency of the unpublished version", _BAD_VALUE,
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    f"{_LAMBDA_API}PutProvisionedConcurrencyConfig.html",
)  # fmt: skip
PROVISIONED_WITH_SNAPSTART = Refusal(
    LAMBDA, "Provisioned concurrency of a version with SnapStart", _BAD_VALUE,
    "SnapStart is not supported with provisioned concurrency.", "lambda/latest/dg/snapstart.html",
)  # fmt: skip
ALIAS_OF_NO_VERSION = Refusal(
    LAMBDA, "An alias of a version that is not there", "ResourceNotFoundException", "Function not found: {arn}",
    f"{_LAMBDA_API}CreateAlias.html", status=404,
)  # fmt: skip
FUNCTION_EXISTS = Refusal(
    LAMBDA, "The name of a function that exists", "ResourceConflictException", "Function already exist: {name}",
    f"{_LAMBDA_API}CreateFunction.html", by_ministack=True,
)  # fmt: skip
URL_EXISTS = Refusal(
    LAMBDA, "A second URL of one function or alias", "ResourceConflictException",
    "Function URL config already exists for {name}", f"{_LAMBDA_API}CreateFunctionUrlConfig.html", by_ministack=True,
)  # fmt: skip
URL_OF_NO_ALIAS = Refusal(
    LAMBDA, "A URL of an alias that is not there", "ResourceNotFoundException", "Function not found: {arn}",
    f"{_LAMBDA_API}CreateFunctionUrlConfig.html", by_ministack=True,
)  # fmt: skip
PERMISSION_EXISTS = Refusal(
    LAMBDA, "A second permission of one id", "ResourceConflictException",
    "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing "
    "statement.", f"{_LAMBDA_API}AddPermission.html", by_ministack=True,
)  # fmt: skip

# Step Functions.

BAD_DEFINITION = Refusal(
    STEP_FUNCTIONS, "A definition that is no JSON, begins or goes on with a state that it lacks, or never ends",
    "InvalidDefinition", "Invalid State Machine Definition: '{problem}'", f"{_STATES_API}CreateStateMachine.html",
)  # fmt: skip
MACHINE_NAME = Refusal(
    STEP_FUNCTIONS, "A name with a space or another forbidden character", "InvalidName", "Invalid Name: '{name}'",
    f"{_STATES_API}CreateStateMachine.html",
)  # fmt: skip
MACHINE_EXISTS = Refusal(
    STEP_FUNCTIONS, "The name of a state machine that is another", "StateMachineAlreadyExists",
    "State machine {name} already exists", f"{_STATES_API}CreateStateMachine.html", by_ministack=True,
)  # fmt: skip
BAD_EXECUTION_INPUT = Refusal(
    STEP_FUNCTIONS, "An input that is no JSON, or larger than 256 KiB", "InvalidExecutionInput",
    "Invalid State Machine Execution Input: '{problem}'", f"{_STATES_API}StartExecution.html",
)  # fmt: skip
EXECUTION_NAME_TAKEN = Refusal(
    STEP_FUNCTIONS, "The name of another execution of the last 90 days", "ExecutionAlreadyExists",
    "Execution already exists: '{arn}'", f"{_STATES_API}StartExecution.html", by_ministack=True,
)  # fmt: skip
MACHINE_MISSING = Refusal(
    STEP_FUNCTIONS, "Starting a state machine that is not there", "StateMachineDoesNotExist",
    "State machine {arn} not found", f"{_STATES_API}StartExecution.html", by_ministack=True,
)  # fmt: skip

LOGGING_CONFIGURATION = Refusal(
    STEP_FUNCTIONS, "Logs to a group that is not there, to none, or to an ARN that does not end with `:*`",
    "InvalidLoggingConfiguration", "Invalid Logging Configuration: {problem}", f"{_STATES_API}LogDestination.html",
)  # fmt: skip
LOGGING_NOT_ALLOWED = Refusal(
    STEP_FUNCTIONS, "Logs by a role that may not deliver them", "AccessDeniedException",
    "The state machine IAM Role is not authorized to access the Log Destination",
    "step-functions/latest/dg/cw-logs.html",
)  # fmt: skip
MACHINE_ROLE_NOT_ASSUMABLE = Refusal(
    STEP_FUNCTIONS, "A role that does not trust Step Functions", "AccessDeniedException",
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role.", "step-functions/latest/dg/procedure-create-iam-role.html",
)  # fmt: skip

# EC2.

VPC_MISSING = Refusal(
    EC2, "A VPC endpoint of a network that is not there", "InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist",
    "AWSEC2/latest/APIReference/errors-overview.html",
)  # fmt: skip
SUBNET_MISSING = Refusal(
    EC2, "A subnet that is not there", "InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist",
    "AWSEC2/latest/APIReference/errors-overview.html",
)  # fmt: skip
GROUP_MISSING = Refusal(
    EC2, "A security group that is not there", "InvalidGroup.NotFound", "The security group '{id}' does not exist",
    "AWSEC2/latest/APIReference/errors-overview.html",
)  # fmt: skip
ROUTE_TABLE_MISSING = Refusal(
    EC2, "A route table that is not there", "InvalidRouteTableID.NotFound", "The routeTable ID '{id}' does not exist",
    "AWSEC2/latest/APIReference/errors-overview.html",
)  # fmt: skip

# CloudFormation.

NO_UPDATES = Refusal(
    CLOUDFORMATION, "An update that changes nothing", _CFN, "No updates are to be performed.",
    f"{_CFN_API}UpdateStack.html", by_ministack=True,
)  # fmt: skip
STACK_EXISTS = Refusal(
    CLOUDFORMATION, "The name of a stack that exists", "AlreadyExistsException", "Stack [{name}] already exists",
    f"{_CFN_API}CreateStack.html", by_ministack=True,
)  # fmt: skip
STACK_ROLLED_BACK = Refusal(
    CLOUDFORMATION, "Updating a stack whose creation was rolled back", _CFN,
    "Stack [{name}] is in ROLLBACK_COMPLETE state and cannot be updated",
    f"{_CFN_GUIDE}troubleshooting.html", by_ministack=True,
)  # fmt: skip
NOTHING_TO_CONTINUE = Refusal(
    CLOUDFORMATION, "Continuing the rollback of a stack that is not in UPDATE_ROLLBACK_FAILED", _CFN,
    "ContinueUpdateRollback cannot be called from current stack status", f"{_CFN_API}ContinueUpdateRollback.html",
    by_ministack=True,
)  # fmt: skip
TEMPLATE_TOO_LARGE = Refusal(
    CLOUDFORMATION, "A template of more than 51,200 bytes that does not come from S3", _CFN,
    "Member must have length less than or equal to 51200", _CFN_LIMITS, by_ministack=True,
)  # fmt: skip
TOO_MANY_RESOURCES = Refusal(
    CLOUDFORMATION, "More than 500 resources", _CFN,
    "Template format error: Number of resources, {count}, is greater than maximum allowed, 500", _CFN_LIMITS,
    by_ministack=True,
)  # fmt: skip
TOO_MANY_OUTPUTS = Refusal(
    CLOUDFORMATION, "More than 200 outputs", _CFN,
    "Template format error: Number of outputs, {count}, is greater than maximum allowed, 200", _CFN_LIMITS,
    by_ministack=True,
)  # fmt: skip
TOO_MANY_PARAMETERS = Refusal(
    CLOUDFORMATION, "More than 200 parameters", _CFN,
    "Template format error: Number of parameters, {count}, is greater than maximum allowed, 200", _CFN_LIMITS,
    by_ministack=True,
)  # fmt: skip
TOO_MANY_MAPPINGS = Refusal(
    CLOUDFORMATION, "More than 200 mappings", _CFN,
    "Template format error: Number of mappings, {count}, is greater than maximum allowed, 200", _CFN_LIMITS,
    by_ministack=True,
)  # fmt: skip
PARAMETER_MISSING = Refusal(
    CLOUDFORMATION, "A parameter without a value", _CFN, "Parameters: [{names}] must have values",
    f"{_CFN_API}CreateStack.html",
)  # fmt: skip
PARAMETERS_UNKNOWN = Refusal(
    CLOUDFORMATION, "A value for a parameter that the template does not declare", _CFN,
    "Parameters: [{names}] do not exist in the template", f"{_CFN_API}Parameter.html",
)  # fmt: skip
PARAMETER_TYPE = Refusal(
    CLOUDFORMATION, "A parameter of no known type", _CFN,
    "Template format error: Unrecognized parameter type: {type} (parameter {name})",
    f"{_CFN_GUIDE}parameters-section-structure.html",
)  # fmt: skip
TEMPLATE_SECTION = Refusal(
    CLOUDFORMATION, "A template with an unknown section", _CFN, "Invalid template property or properties [{names}]",
    f"{_CFN_GUIDE}template-anatomy.html",
)  # fmt: skip
NO_RESOURCES = Refusal(
    CLOUDFORMATION, "A template without resources", _CFN,
    "Template format error: At least one Resources member must be defined.",
    f"{_CFN_GUIDE}resources-section-structure.html",
)  # fmt: skip
RESOURCE_NAME = Refusal(
    CLOUDFORMATION, "A logical id that is not alphanumeric", _CFN,
    "Template format error: Resource name {name} is non alphanumeric.",
    f"{_CFN_GUIDE}resources-section-structure.html",
)  # fmt: skip
RESOURCE_WITHOUT_TYPE = Refusal(
    CLOUDFORMATION, "A resource without a type", _CFN,
    "Template format error: [/Resources/{name}] Every Resources object must contain a Type member.",
    f"{_CFN_GUIDE}resources-section-structure.html",
)  # fmt: skip
RESOURCE_MEMBER = Refusal(
    CLOUDFORMATION, "A resource with an unknown member beside its properties", _CFN,
    "Invalid template resource property '{member}'", f"{_CFN_GUIDE}resources-section-structure.html",
)  # fmt: skip
REFERENCE_TO_NOTHING = Refusal(
    CLOUDFORMATION,
    "Ref, Fn::Sub or DependsOn of what is no resource, parameter or pseudo parameter, or of a resource that its "
    "condition leaves out", _CFN,
    "Template format error: Unresolved resource dependencies [{names}] in the {section} block of the template",
    f"{_CFN_GUIDE}intrinsic-function-reference-ref.html",
)  # fmt: skip
ATTRIBUTE_OF_NOTHING = Refusal(
    CLOUDFORMATION, "An attribute of a resource that is not there", _CFN,
    "Template error: instance of Fn::GetAtt references undefined resource {name}",
    f"{_CFN_GUIDE}intrinsic-function-reference-getatt.html",
)  # fmt: skip
SUBSTITUTE_OF_NOTHING = Refusal(
    CLOUDFORMATION, "An attribute in a text of a resource that is not there", _CFN,
    "Template error: instance of Fn::Sub references invalid resource attribute {name}.{attribute}",
    f"{_CFN_GUIDE}intrinsic-function-reference-sub.html",
)  # fmt: skip
CONDITION_MISSING = Refusal(
    CLOUDFORMATION, "A condition that the template does not define", _CFN,
    "Template format error: Unresolved condition dependency {name} in the {section} block of the template",
    f"{_CFN_GUIDE}conditions-section-structure.html",
)  # fmt: skip
CYCLE = Refusal(
    CLOUDFORMATION, "Resources that depend on one another in a circle", _CFN,
    "Circular dependency between resources: [{names}]",
    f"{_CFN_GUIDE}troubleshooting.html",
)  # fmt: skip
OUTPUT_WITHOUT_VALUE = Refusal(
    CLOUDFORMATION, "An output without a value", _CFN,
    "Template format error: Every Outputs member must contain a Value object",
    f"{_CFN_GUIDE}outputs-section-structure.html",
)  # fmt: skip
EXPORT_NAME = Refusal(
    CLOUDFORMATION, "An export without a name, or of another one than letters, digits, colons and hyphens", _CFN,
    "Template format error: Output {name} is malformed. The Name field of every Export member must be specified and "
    "consist only of alphanumeric characters, colons, or hyphens.", f"{_CFN_GUIDE}outputs-section-structure.html",
)  # fmt: skip
EXPORT_NAME_DEPENDS = Refusal(
    CLOUDFORMATION, "An export whose name depends on a resource", _CFN,
    "Template format error: Output {name} is malformed. The Name field of Export must not depend on any resources, "
    "imported values, or Fn::GetAZs.", f"{_CFN_GUIDE}outputs-section-structure.html",
)  # fmt: skip
EXPORT_TAKEN = Refusal(
    CLOUDFORMATION, "An export of a name that another output of the account and region has", IN_EVENTS,
    "Export with name {name} is already exported by stack {stack}.",
    f"{_CFN_GUIDE}using-cfn-stack-exports.html",
)  # fmt: skip
EXPORT_REMOVED = Refusal(
    CLOUDFORMATION, "Removing an export that another stack imports", IN_EVENTS,
    "Export {name} cannot be deleted as it is in use by {user}", f"{_CFN_GUIDE}using-cfn-stack-exports.html",
)  # fmt: skip
EXPORT_CHANGED = Refusal(
    CLOUDFORMATION, "Changing an export that another stack imports", IN_EVENTS,
    "Export {name} cannot be updated as it is in use by {user}", f"{_CFN_GUIDE}using-cfn-stack-exports.html",
)  # fmt: skip
EXPORT_OF_A_DELETED_STACK = Refusal(
    CLOUDFORMATION, "Deleting a stack whose export another stack imports", _CFN,
    "Export {name} is imported by stack {user}", f"{_CFN_GUIDE}using-cfn-stack-exports.html",
    by_ministack=True,
)  # fmt: skip
IMPORT_OF_NOTHING = Refusal(
    CLOUDFORMATION, "Importing what no stack exports", IN_EVENTS, "Export '{name}' not found",
    f"{_CFN_GUIDE}intrinsic-function-reference-importvalue.html", by_ministack=True,
)  # fmt: skip
CUSTOM_NAME_REPLACED = Refusal(
    CLOUDFORMATION, "An update that replaces a resource which the template names", IN_EVENTS,
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update "
    "the stack again.", f"{_CFN_GUIDE}troubleshooting.html",
    "models and endpoint configs are never named", by_ministack=True,
)  # fmt: skip
PARAMETER_NOT_ALLOWED = Refusal(
    CLOUDFORMATION, "A parameter's value that is not among those allowed", _CFN,
    "Parameter '{name}' value '{value}' is not in AllowedValues",
    f"{_CFN_GUIDE}parameters-section-structure.html", by_ministack=True,
)  # fmt: skip
PARAMETER_NOT_IN_SSM = Refusal(
    CLOUDFORMATION, "A parameter that names none of the parameter store's", _CFN,
    "Parameter '{name}' failed to resolve: SSM parameter '{path}' does not exist",
    f"{_CFN_GUIDE}cloudformation-supplied-parameter-types.html", by_ministack=True,
)  # fmt: skip
CAPABILITIES = Refusal(
    CLOUDFORMATION, "Roles or policies that the caller has not acknowledged", "InsufficientCapabilitiesException",
    "Requires capabilities : [CAPABILITY_IAM]", f"{_CFN_API}CreateStack.html", by_ministack=True,
)  # fmt: skip
UNKNOWN_TYPE = Refusal(
    CLOUDFORMATION, "A resource type that does not exist", _CFN,
    "Template format error: Unrecognized resource types: [{types}]",
    f"{_CFN_GUIDE}troubleshooting.html", by_ministack=True,
)  # fmt: skip

TABLE: dict[str, Refusal] = {name: value for name, value in globals().items() if isinstance(value, Refusal)}
"""Every row by the name of its constant."""

_ABOUT = """\
# What AWS refuses, and so does the local cloud

Made by `python -m local_cloud.shared.refusals > docs/aws-refusals.md` from the table that the local cloud refuses by.
Each row is the case of its name in `tests/local_cloud/test_documented_refusals.py`, and has a section in the
[runbooks](runbooks.md#deploys).

Rule and error code are AWS's by the page. A message is AWS's own where a public report has it, else ours: check
codes, not messages. No row was verified in an account.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_ABOUT]
    for service in (SAGEMAKER, SCALING, LAMBDA, STEP_FUNCTIONS, EC2, CLOUDFORMATION):
        rows = "".join(_row(name, row) for name, row in TABLE.items() if row.service == service)
        head = "| What is refused | AWS's error code | Page | Test case | Stopped at synth by | Refused by |"
        parts.append(f"\n## {service}\n\n{head}\n|---|---|---|---|---|---|\n{rows}")
    return "".join(parts)


def _row(name: str, row: Refusal) -> str:
    title = row.page.partition("#")[0].rpartition("/")[2].removesuffix(".html").removeprefix("API_")
    by = "MiniStack" if row.by_ministack else "the extension"
    code = row.code if row.code in {IN_EVENTS, IN_REASONS} else f"`{row.code}`"
    cells = (row.what, code, f"[{title}]({_DOCS}{row.page})", f"`{name}`", row.at_synth or "no", by)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
