"""The seeded faults of the job that prepares corpora on Spark, for stages that have it."""

from __future__ import annotations

from functools import partial
from typing import Final

from audit.faults.seeded import Seed
from audit.faults.seeds_compute import ELSEWHERE, MACHINE, job

_weakened = partial(job, call="createProcessingJob")
_STARTS: Final = "PreparationStateMachine"
_CLUSTER: Final = ("ProcessingResources", "ClusterConfig")

PREPARATION_SEEDS: Final = tuple(
    Seed(name, rule, "Training", MACHINE, edit, _STARTS)
    for name, rule, edit in (
        (
            "A preparation's containers get a network",
            "TM-JOB-ISOLATED",
            _weakened("EnableNetworkIsolation", False, "NetworkConfig"),
        ),
        (
            "Traffic between a preparation's instances is not encrypted",
            "TM-JOB-TRAFFIC-ENCRYPTED",
            _weakened("EnableInterContainerTrafficEncryption", False, "NetworkConfig"),
        ),
        (
            "A preparation's volumes lose their key",
            "TM-JOB-VOLUME-KEY",
            _weakened("VolumeKmsKeyId", None, *_CLUSTER),
        ),
        (
            "A prepared corpus loses its key",
            "TM-JOB-OUTPUT-KEY",
            _weakened("KmsKeyId", None, "ProcessingOutputConfig"),
        ),
        ("A preparation leaves the VPC", "TM-JOB-VPC", _weakened("VpcConfig", None, "NetworkConfig")),
        (
            "A preparation runs an image from another account",
            "TM-JOB-IMAGE",
            _weakened("ImageUri", ELSEWHERE, "AppSpecification"),
        ),
        ("A preparation may run without end", "TM-JOB-BOUNDED", _weakened("StoppingCondition", None)),
    )
)
