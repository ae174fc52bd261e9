"""Networks that requests name: AWS refuses subnets, security groups and the like that are not there."""

from __future__ import annotations

from collections.abc import Iterable

from local_cloud.shared import emulator, refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import Node


def problem_of(
    scope: Scope,
    *,
    vpcs: Iterable[str] = (),
    subnets: Iterable[str] = (),
    groups: Iterable[str] = (),
    route_tables: Iterable[str] = (),
) -> ServiceError | None:
    """Return EC2's answer to the first that is not in the scope's account and region; None where all are."""
    known = emulator.networks(scope)
    for refusal, named, there in (
        (refusals.VPC_MISSING, vpcs, known.vpcs),
        (refusals.SUBNET_MISSING, subnets, known.subnets),
        (refusals.GROUP_MISSING, groups, known.groups),
        (refusals.ROUTE_TABLE_MISSING, route_tables, known.route_tables),
    ):
        for name in named:
            if name not in there:
                return refusal.error(id=name)
    return None


def require(scope: Scope, vpc: Node) -> None:
    """Check a `VpcConfig` of SageMaker.

    Raises:
        ServiceError: `ValidationException`.
    """
    problem = problem_of(scope, subnets=vpc.texts("Subnets"), groups=vpc.texts("SecurityGroupIds"))
    if problem is not None:
        raise refusals.NETWORK_MISSING.error(problem=problem.message)
