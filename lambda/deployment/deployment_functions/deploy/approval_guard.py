"""Restores the approved model when a rollout is rolled back, and says so where CloudFormation does not notice."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from deployment_functions import clients
from deployment_functions.deploy.cloudformation import DeployError, Request, serve
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, ENDPOINT, ENDPOINT_CONFIG, FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import Hosting

logger = logging.getLogger(__name__)


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request."""

    def answered(request: Request) -> bool:
        if ENDPOINT_CONFIG in request.properties:
            return require_rolled_out(request, clients.hosting())
        return act(request, Ledger(clients.ssm(), request.text("Parameters")))

    serve(event, answered)


def require_rolled_out(request: Request, sagemaker: Hosting) -> bool:
    """Check that the endpoint serves the config that its stack has given it.

    SageMaker takes a rollout back by itself, and an endpoint is in service again then, with the config of before.

    Raises:
        DeployError: it serves another.
    """
    if request.kind == "Delete":
        return True
    endpoint, wanted = request.text(ENDPOINT), request.text(ENDPOINT_CONFIG)
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    if described["EndpointConfigName"] != wanted:
        reason = described.get("FailureReason") or "SageMaker gives no reason"
        raise DeployError(f"endpoint {endpoint} serves {described['EndpointConfigName']}, not {wanted}: {reason}")
    return True


def act(request: Request, ledger: Ledger) -> bool:
    """On an Update away from the approved model, which only a rollback is, approve the model it goes back to.

    Forward, the approved model is the one the update goes to, and nothing is to be done. If it is a third one,
    somebody approved it meanwhile, and it stays.
    """
    if request.kind != "Update":
        return True
    going_to, coming_from = _model(request.properties), _model(request.old_properties)
    approved = ledger.read(APPROVED)
    if approved is not None and going_to["job_name"] != coming_from["job_name"] == approved["job_name"]:
        logger.info("rollout of %s was rolled back: approving %s again", coming_from["job_name"], going_to["job_name"])
        ledger.write(APPROVED, going_to)
    return True


def _model(properties: Mapping[str, object]) -> dict[str, str]:
    model = properties["Model"]
    if not isinstance(model, dict):
        raise TypeError(f"Model is {type(model).__name__}, not an object of fields")
    return {field: str(model[field]) for field in FIELDS}
