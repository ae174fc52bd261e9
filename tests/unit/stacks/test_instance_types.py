from __future__ import annotations

import botocore.session
import pytest

from local_cloud.sagemaker.shared.local_storage import has_local_storage
from stacks.settings import instance_types


@pytest.mark.parametrize(
    "name", ["ml.c5.xlarge", "ml.m5.large", "ml.m5d.24xlarge", "ml.c4.xlarge", "ml.g4dn.xlarge", "ml.p3.2xlarge"]
)
def test_x86_hosts_and_documented_gpus_run_ntm(name: str) -> None:
    assert instance_types.check(name) == name


@pytest.mark.parametrize(
    "name", ["ml.m6g.large", "ml.c7gn.xlarge", "ml.r6gd.large", "ml.g5g.xlarge", "ml.inf1.tiny", "m5.large"]
)
def test_arm_hosts_and_what_is_no_type_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Input should be"):
        instance_types.check(name)


@pytest.mark.parametrize(
    "name", ["ml.p4d.24xlarge", "ml.g6.xlarge", "ml.inf1.xlarge", "ml.trn1n.32xlarge", "ml.dl1.24xlarge"]
)
def test_accelerators_for_which_ntm_is_not_documented_are_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ValueError, match="a CPU type, or of the GPU families p2, p3, g4dn, g5"):
        instance_types.check(name)


@pytest.mark.parametrize(
    ("name", "own_disks"),
    [
        ("ml.m5d.large", True),
        ("ml.c5d.xlarge", True),
        ("ml.r5dn.large", True),
        ("ml.g5.xlarge", True),
        ("ml.g4dn.xlarge", True),
        ("ml.m5.large", False),
        ("ml.c5n.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.d3.xlarge", False),
    ],
)
def test_hosts_with_nvme_disks_are_known(name: str, own_disks: bool) -> None:
    assert instance_types.has_local_nvme(name) is own_disks


def test_burstable_hosts_cannot_scale() -> None:
    assert not instance_types.can_autoscale("ml.t3.medium")
    assert instance_types.can_autoscale("ml.m5.large")


def test_a_host_has_disks_of_its_own_by_the_rule_of_the_local_cloud_too() -> None:
    """The local cloud's rule is the SDK's, and the setting's ours: they agree on every type that a stage may name."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shapes = (
        "TrainingInstanceType",
        "TransformInstanceType",
        "ProcessingInstanceType",
        "ProductionVariantInstanceType",
    )
    allowed = {name for shape in shapes for name in model.shape_for(shape).enum if _is_allowed(name)}

    assert {name for name in allowed if instance_types.has_local_nvme(name) != has_local_storage(name)} == set()


WITH_LOCAL_DISKS = frozenset(
    {
        "c5ad", "c5d", "c6gd", "c6id", "c7gd", "dl1", "g4ad", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5ad",
        "m5d", "m5dn", "m6gd", "m6id", "m7gd", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200",
        "p6-b300", "p6e-gb200", "r5ad", "r5d", "r5dn", "r6gd", "r6id", "r7gd", "trn1", "trn1n", "trn2",
        "z1d",
    }
)  # fmt: skip
"""Families of which DescribeInstanceTypes tells the size of a local NVMe disk (August 2026); dl1 and p6e-gb200 by AWS's
description of the families."""


def test_the_families_with_disks_of_their_own_are_those_that_ec2_tells_disks_of() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    types = {
        name for job in ("Training", "Transform", "Processing") for name in model.shape_for(f"{job}InstanceType").enum
    } | set(model.shape_for("ProductionVariantInstanceType").enum)

    assert {name for name in types if has_local_storage(name) != (name.split(".")[1] in WITH_LOCAL_DISKS)} == set()


def test_the_disk_of_every_host_that_has_one_is_known() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    allowed = [name for job in ("Training", "Processing") for name in model.shape_for(f"{job}InstanceType").enum]

    with_disks = [name for name in allowed if _is_allowed(name) and instance_types.has_local_nvme(name)]

    assert with_disks
    for name in with_disks:
        with pytest.raises(ValueError, match="stores on a disk of its own"):
            instance_types.check_volume(name, 16_385)


def _is_allowed(name: str) -> bool:
    try:
        instance_types.check(name)
    except ValueError:
        return False
    return True
