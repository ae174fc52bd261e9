"""Restores what was deleted by hand of a deployed stage: its endpoint, and its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from operations.doctor.deployed import redeploy, survey
from stacks.shared.names import endpoint_name, in_service_parameter, newest_corpus_parameter

from deployment_functions.ledger import SETS
from deployment_functions.model_fields import APPROVED, RECORD, in_service_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.doctor.deployed import Clients, Survey


class RestoreError(Exception):
    """What cannot be restored, in one sentence."""


def restore(clients: Clients, *, algorithm: str) -> Iterator[str]:
    """Write again what is gone, and tell each thing when it is done.

    CloudFormation notices nothing: each thing has the name, and the content, that its stack knows it by.

    Raises:
        RestoreError: it cannot be known what was there.
    """
    seen = survey(clients)
    if seen.busy:
        raise RestoreError(f"{seen.busy}: try again when it has ended")
    if not seen.serves:
        raise RestoreError(f"stage {clients.stage!r} has no serving stack: deploy it")
    # The model is told first: nothing is written where it is not known.
    serving = _serving(clients, seen) if seen.parameters_gone else {}
    if seen.endpoint_is_gone:
        name = endpoint_name(clients.stage)
        clients.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=_config(clients, seen))
        yield f"endpoint {name}, which is in service in some minutes"
    for parameter in seen.parameters_gone:
        if parameter == clients.ledger.name(APPROVED, RECORD):
            clients.ledger.write(APPROVED, serving)
        elif parameter == in_service_parameter(clients.stage):
            config = _config(clients, seen)
            _put(clients, parameter, in_service_record(serving, endpoint_config=config, algorithm=algorithm))
        elif parameter == newest_corpus_parameter(clients.stage):
            _put(clients, parameter, serving["corpus_hash"])
        else:
            raise RestoreError(f"parameter {parameter} is gone, and what it held is not known")
        yield f"parameter {parameter}"
    for which in SETS:
        for parameter in clients.ledger.mend(which):
            yield f"parameter {parameter}"


def _serving(clients: Clients, seen: Survey) -> dict[str, str]:
    """Return the recorded model whose artifact the serving stack's endpoint config serves."""
    config = clients.sagemaker.describe_endpoint_config(EndpointConfigName=_config(clients, seen))
    [variant] = cast("list[Mapping[str, str]]", config["ProductionVariants"])
    model = clients.sagemaker.describe_model(ModelName=variant["ModelName"])
    artifact = cast("Mapping[str, str]", model["PrimaryContainer"])["ModelDataUrl"]
    for which in SETS:
        recorded = clients.ledger.read(which)
        if recorded is not None and recorded["artifact_uri"] == artifact:
            return recorded
    raise RestoreError(
        f"no record is left of the model in service, {artifact}: run the stage's pipeline, approve what it trains, and "
        "deploy the serving stack"
    )


def _config(clients: Clients, seen: Survey) -> str:
    if seen.endpoint_config is None:
        raise RestoreError(f"the endpoint's config is gone, too: {redeploy(clients.stage)}")
    return seen.endpoint_config


def _put(clients: Clients, name: str, value: str) -> None:
    clients.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
