"""What a request for a training job must give, and what it may not ask for here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.sagemaker.jobs.training.metric_definitions import MetricScan
from local_cloud.sagemaker.jobs.training.training_job import DEFAULT_MAX_RUNTIME_S
from local_cloud.sagemaker.shared import images
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.storage import Location

if TYPE_CHECKING:
    from local_cloud.shared.wire import Node

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
    names = [channel.text("ChannelName") for channel in request.nodes("InputDataConfig")]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise validation_error(f"Duplicate channel name: {', '.join(repeated)}")
    Location.parse(request.node("OutputDataConfig").text("S3OutputPath"))
    if images.repository(specification.text("TrainingImage")) == images.NTM and "MetricDefinitions" in specification:
        raise validation_error(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request "
            "without specifying metric definitions."
        )
    MetricScan.of(specification)
    _check_waiting(request)


def _check_waiting(request: Node) -> None:
    """Check the time that a job may wait for Spot capacity."""
    condition = request.node("StoppingCondition")
    wait_s = condition.integer("MaxWaitTimeInSeconds")
    runtime_s = condition.integer("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)
    if not request.flag("EnableManagedSpotTraining"):
        if wait_s:
            raise validation_error(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
            )
        return
    if wait_s < runtime_s:
        raise validation_error(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    image = request.node("AlgorithmSpecification").text("TrainingImage")
    if images.repository(image) == images.NTM and "CheckpointConfig" not in request and wait_s > MAX_BUILT_IN_WAIT_S:
        raise validation_error(
            f"MaxWaitTimeInSeconds above {MAX_BUILT_IN_WAIT_S} is not supported for the given algorithm."
        )
