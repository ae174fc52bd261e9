"""What is known of SageMaker instance types: which can run NTM, which can scale, which encrypt their own disks."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

_SHAPE: Final = re.compile(r"^ml\.(?P<family>[a-z]+\d+[a-z-]*)\.(?P<size>\d*x?large|medium|metal)$")
_ARM: Final = re.compile(r"^[a-z]+\d+g")
"""Graviton families carry a g right behind the generation (m6g, c7gn); g4dn and g5 are GPU families and do not."""

_OTHER_ACCELERATORS: Final = re.compile(r"^(inf|trn|dl|vt|f)\d")

GPU_FAMILIES: Final = ("p2", "p3", "g4dn", "g5")
"""GPU families for which NTM is documented."""
WITHOUT_JAX: Final = ("p2",)
"""GPU families whose processors (Kepler) CUDA 12, and with it JAX, no longer runs on."""


def family(instance_type: str) -> str:
    """Return the family of an instance type: `c5` for `ml.c5.xlarge`."""
    shape = _SHAPE.match(instance_type)
    if shape is None:
        raise ValueError("Input should be an instance type such as ml.c5.xlarge")
    return shape["family"]


def check(instance_type: str) -> str:
    """Return `instance_type` if NTM's image can run on it.

    Raises:
        ValueError: not an instance type, or a host with an ARM processor or an undocumented accelerator.
    """
    name = family(instance_type)
    if _ARM.match(name):
        raise ValueError("Input should be an x86 instance type, as the NTM image is not documented for ARM hosts")
    if _OTHER_ACCELERATORS.match(name) or (name[0] in "pg" and name not in GPU_FAMILIES):
        raise ValueError(f"Input should be a CPU type, or of the GPU families {', '.join(GPU_FAMILIES)}")
    return instance_type


def has_gpu(instance_type: str) -> bool:
    """Tell whether the type has GPUs."""
    return family(instance_type) in GPU_FAMILIES


def can_autoscale(instance_type: str) -> bool:
    """Tell whether Application Auto Scaling accepts the type: burstable (t) instances are refused."""
    return not family(instance_type).startswith("t")


def has_local_nvme(instance_type: str) -> bool:
    """Tell whether the host stores on its own NVMe disks: encrypted in hardware, and no KMS key may be named."""
    name = family(instance_type)
    return name in ("g4dn", "g5") or (not name.startswith(("d", "p")) and name.rstrip("n").endswith("d"))


_OF_5D: Final = {"large": 75, "xlarge": 150, "2xlarge": 300, "4xlarge": 600, "8xlarge": 1200, "12xlarge": 1800,
                 "16xlarge": 2400, "24xlarge": 3600}  # fmt: skip
LOCAL_DISK_GB: Final = {
    "c5d": {"large": 50, "xlarge": 100, "2xlarge": 200, "4xlarge": 400, "9xlarge": 900, "12xlarge": 1800,
            "18xlarge": 1800, "24xlarge": 3600},
    "g4dn": {"xlarge": 125, "2xlarge": 225, "4xlarge": 225, "8xlarge": 900, "12xlarge": 900, "16xlarge": 900},
    "g5": {"xlarge": 250, "2xlarge": 450, "4xlarge": 600, "8xlarge": 900, "12xlarge": 3800, "16xlarge": 1900,
           "24xlarge": 3800, "48xlarge": 7600},
    "m5d": _OF_5D,
    "r5d": _OF_5D,
}  # fmt: skip
"""What hosts store on, by family and size.

Read on 1 December 2026 from what AWS's DescribeInstanceTypes tells of each type, as
https://karpenter.sh/docs/reference/instance-types lists it (`instance-local-nvme`, of August 2026). Where AWS's own
table was at hand (c5d, m5d, r5d: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html), both agree.
That SageMaker's `ml.` types have the disks of EC2's types of the same name is what its API reference says, and was not
verified in an account.
"""


def check_volume(instance_type: str, volume_size_gb: int) -> None:
    """Refuse a volume that is larger than the local disk, which SageMaker takes in its place.

    Raises:
        ValueError: names both sizes. A type whose disk is not in the table is not judged.
    """
    disk = LOCAL_DISK_GB.get(family(instance_type), {}).get(instance_type.rpartition(".")[2])
    if disk is not None and volume_size_gb > disk:
        raise ValueError(
            f"volume_size_gb is {volume_size_gb}, but {instance_type} stores on a disk of its own of {disk} GB: "
            f"lower it to {disk}, or take another instance_type"
        )


def volume_key(instance_type: str, key: str) -> dict[str, str]:
    """Return the member of a job's resources that encrypts their volumes; nothing where the host refuses a key."""
    return {} if has_local_nvme(instance_type) else {"VolumeKmsKeyId": key}


InstanceType = Annotated[str, AfterValidator(check)]
