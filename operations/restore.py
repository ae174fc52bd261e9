"""Restores what was deleted by hand of a deployed stage: its endpoint, and its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from operations.doctor.deployed import Survey, redeploy, survey
from operations.errors import OperationError
from operations.stage import DeployedStage
from stacks.shared.names import endpoint_name, in_service_parameter, newest_corpus_parameter

from deployment_functions.ledger import SETS
from deployment_functions.model_fields import APPROVED, RECORD, in_service_record


def restore(stage: DeployedStage, *, algorithm: str) -> Iterator[str]:
    """Write again what is gone, and tell each thing when it is done.

    CloudFormation notices nothing: each thing has the name, and the content, that its stack knows it by.

    Raises:
        OperationError: it cannot be known what was there.
    """
    seen = survey(stage)
    if seen.busy:
        raise OperationError(f"{seen.busy}: try again when it has ended")
    if not seen.serves:
        raise OperationError(f"stage {stage.name!r} has no serving stack: deploy it")
    # The model is told first: nothing is written where it is not known.
    serving = _serving(stage, seen) if seen.parameters_gone else {}
    if seen.endpoint_is_gone:
        name = endpoint_name(stage.name)
        stage.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=_config(stage, seen))
        yield f"endpoint {name}, which is in service in some minutes"
    for parameter in seen.parameters_gone:
        if parameter == stage.ledger.name(APPROVED, RECORD):
            stage.ledger.write(APPROVED, serving)
        elif parameter == in_service_parameter(stage.name):
            config = _config(stage, seen)
            _put(stage, parameter, in_service_record(serving, endpoint_config=config, algorithm=algorithm))
        elif parameter == newest_corpus_parameter(stage.name):
            _put(stage, parameter, serving["corpus_hash"])
        else:
            raise OperationError(f"parameter {parameter} is gone, and what it held is not known")
        yield f"parameter {parameter}"
    for which in SETS:
        for parameter in stage.ledger.mend(which):
            yield f"parameter {parameter}"


def _serving(stage: DeployedStage, seen: Survey) -> dict[str, str]:
    """Return the recorded model whose artifact the serving stack's endpoint config serves."""
    config = stage.client("sagemaker").describe_endpoint_config(EndpointConfigName=_config(stage, seen))
    [variant] = cast("list[Mapping[str, str]]", config["ProductionVariants"])
    model = stage.client("sagemaker").describe_model(ModelName=variant["ModelName"])
    artifact = cast("Mapping[str, str]", model["PrimaryContainer"])["ModelDataUrl"]
    for which in SETS:
        recorded = stage.ledger.read(which)
        if recorded is not None and recorded["artifact_uri"] == artifact:
            return recorded
    raise OperationError(
        f"no record is left of the model in service, {artifact}: run the stage's pipeline, approve what it trains, and "
        "deploy the serving stack"
    )


def _config(stage: DeployedStage, seen: Survey) -> str:
    if seen.endpoint_config is None:
        raise OperationError(f"the endpoint's config is gone, too: {redeploy(stage.name)}")
    return seen.endpoint_config


def _put(stage: DeployedStage, name: str, value: str) -> None:
    stage.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
