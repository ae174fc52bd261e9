"""Container images: what an ECR reference stands for here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local_cloud.shared.service_errors import validation_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.shared.settings import ContainerCommands

NTM = "ntm"
"""The repository of the built-in algorithm."""

_REFERENCE = re.compile(
    r"^(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)/(?P<repository>[^:@]+)([:@].+)?$"
)


def repository(image: str) -> str:
    """Return the repository of an ECR image reference, or '' where it is none."""
    match = _REFERENCE.match(image)
    return match["repository"] if match else ""


def commands(image: str, known: Mapping[str, ContainerCommands]) -> ContainerCommands:
    """Return the programs that stand for an image.

    Raises:
        ServiceError: the reference is no ECR image, or its repository has no programs here.
    """
    match = _REFERENCE.match(image)
    if match is None:
        raise validation_error(
            f"Invalid image URI {image}. Please provide a valid Amazon Elastic Container Registry path of the "
            "Docker image to run."
        )
    if match["repository"] not in known:
        raise validation_error(
            f"Cannot find repository: {match['repository']} in registry ID: {match['registry']}. Please check if "
            f"your ECR repository exists. (The local cloud runs: {', '.join(sorted(known))}.)"
        )
    return known[match["repository"]]
