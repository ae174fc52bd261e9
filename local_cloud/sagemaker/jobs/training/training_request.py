"""What a request for a training job must give, and what it may not ask for here."""

from __future__ import annotations

from local_cloud.sagemaker.jobs.training.metric_definitions import OF_NTM, MetricScan
from local_cloud.sagemaker.jobs.training.training_job import DEFAULT_MAX_RUNTIME_S
from local_cloud.sagemaker.shared import images, local_storage
from local_cloud.shared import refusals
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.storage import Location
from local_cloud.shared.wire import Node

MAX_RUNTIME_S = 28 * 86_400
MAX_BUILT_IN_WAIT_S = 3600
"""How long a built-in algorithm without checkpoints may wait and train on Spot instances.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
"""


def check_training_request(request: Node) -> None:
    """Refuse what no role, bucket or quota could make right.

    Raises:
        ServiceError: `ValidationException`.
    """
    specification = request.node("AlgorithmSpecification")
    if "TrainingImage" not in specification:
        raise validation_error("You must specify TrainingImage: other algorithm resources are not emulated here.")
    resources = request.node("ResourceConfig")
    if "InstanceType" not in resources or resources.integer("InstanceCount") < 1:
        raise validation_error("ResourceConfig must give an InstanceType and an InstanceCount of 1 or more.")
    if "StoppingCondition" not in request:
        raise validation_error("StoppingCondition must be specified.")
    local_storage.refuse_key(resources, "VolumeKmsKeyId")
    names = [channel.text("ChannelName") for channel in request.nodes("InputDataConfig")]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise refusals.DUPLICATE_CHANNEL.error(names=", ".join(repeated))
    Location.parse(request.node("OutputDataConfig").text("S3OutputPath"))
    # An SDK that has attached to a job sends back what it was told.
    own = [*OF_NTM]
    is_ntm = images.repository(specification.text("TrainingImage")) == images.NTM
    if is_ntm and specification.values.get("MetricDefinitions", own) != own:
        raise refusals.METRICS_OF_A_BUILT_IN.error()
    MetricScan.of(specification)
    _check_waiting(request)


def _check_waiting(request: Node) -> None:
    """Check the time that a job may run, and wait for Spot capacity."""
    condition = request.node("StoppingCondition")
    wait_s = condition.integer("MaxWaitTimeInSeconds")
    runtime_s = condition.integer("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)
    if runtime_s > MAX_RUNTIME_S:
        raise refusals.RUNTIME_TOO_LONG.error(seconds=runtime_s, most=MAX_RUNTIME_S)
    if not request.flag("EnableManagedSpotTraining"):
        if wait_s:
            raise refusals.WAIT_WITHOUT_SPOT.error()
        return
    if wait_s < runtime_s:
        raise refusals.WAIT_BELOW_RUNTIME.error()
    image = request.node("AlgorithmSpecification").text("TrainingImage")
    if images.repository(image) == images.NTM and "CheckpointConfig" not in request and wait_s > MAX_BUILT_IN_WAIT_S:
        raise refusals.WAIT_TOO_LONG.error(most=MAX_BUILT_IN_WAIT_S)
