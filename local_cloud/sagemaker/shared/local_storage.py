"""Hosts with disks of their own, which a hardware module encrypts: SageMaker refuses a key for their volumes."""

from __future__ import annotations

from local_cloud.shared import refusals
from local_cloud.shared.wire import Node

_FAMILIES = ("g5", "g6", "g7", "p5", "p6", "trn1", "trn2")
"""Families with local storage that have no d in their name."""


def has_local_storage(instance_type: str) -> bool:
    """Tell whether SageMaker attaches no volume to an instance type: the rule of AWS's own SDK."""
    family = instance_type.removeprefix("ml.").partition(".")[0]
    return "d" in family or family.startswith(_FAMILIES)


def refuse_key(resources: Node, member: str) -> None:
    """Refuse a job's key for a volume that its instances do not have.

    Raises:
        ServiceError: `ValidationException`.
    """
    instance_type = resources.text("InstanceType")
    if member in resources and has_local_storage(instance_type):
        raise refusals.VOLUME_KEY_ON_LOCAL_DISK.error(member=member, type=instance_type)


def refuse_host_key(variant: str, instance_type: str) -> None:
    """Refuse an endpoint config's key where a variant's hosts have no volume.

    Raises:
        ServiceError: `ValidationException`.
    """
    if has_local_storage(instance_type):
        raise refusals.HOST_KEY_ON_LOCAL_DISK.error(variant=variant, type=instance_type)
