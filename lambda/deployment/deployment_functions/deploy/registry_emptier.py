"""Deletes the versions of a model package group before CloudFormation deletes the group, which it else cannot."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from deployment_functions import clients
from deployment_functions.deploy.cloudformation import Request, serve
from deployment_functions.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request."""
    serve(event, lambda request: act(request, Registry(clients.sagemaker(), request.text("Group"))))


def act(request: Request, registry: Registry) -> bool:
    """Empty the group on Delete; the artifacts that its versions name are the bucket's."""
    if request.kind == "Delete":
        logger.info("deleted %d versions", registry.empty())
    return True
