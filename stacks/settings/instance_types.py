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


InstanceType = Annotated[str, AfterValidator(check)]
