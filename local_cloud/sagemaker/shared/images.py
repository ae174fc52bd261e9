"""Container images: what an ECR reference stands for here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from local_cloud.shared import refusals
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


def commands(image: str, known: Mapping[str, ContainerCommands], region: str) -> ContainerCommands:
    """Return the programs that stand for an image.

    Raises:
        ServiceError: the reference is no ECR image, its repository has no programs here, or it is another region's.
    """
    match = _REFERENCE.match(image)
    if match is None:
        raise refusals.NO_IMAGE_URI.error(image=image)
    if match["repository"] not in known or match["region"] != region:
        raise refusals.NO_REPOSITORY.error(
            repository=match["repository"],
            registry=match["registry"],
            known=f" (The local cloud runs, in {region}: {', '.join(sorted(known))}.)",
        )
    return known[match["repository"]]
