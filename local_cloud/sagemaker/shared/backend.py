"""What every part of SageMaker here shares."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.processes.supervisor import Supervisor
from local_cloud.sagemaker.shared.clock import Clock
from local_cloud.sagemaker.shared.quota import Quota
from local_cloud.sagemaker.shared.tags import Tags
from local_cloud.shared.emulator import Scope
from local_cloud.shared.roles import Credentials
from local_cloud.shared.settings import PROJECT_ROOT, LocalCloudSettings
from local_cloud.shared.storage import ObjectStore
from training_scripts.command_line import sentence_of

FAILURE_REASON_LENGTH = 1024
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."


def internal_error(error: Exception) -> str:
    """Return the FailureReason of what is neither the request's fault nor the container's.

    What the machine refuses, a full disk for example, is named: whoever runs a local cloud can mend it.
    """
    if isinstance(error, OSError):
        return f"InternalServerError: The machine of the local cloud refused: {sentence_of(error)}"
    return INTERNAL_ERROR


@dataclass(frozen=True)
class Backend:
    """Settings, processes and stores of one emulator.

    Attributes:
        endpoint_url: of the emulator itself, for what jobs fetch and store.
        clock: of rollouts.
        work: the folder that jobs and endpoints have their own folders in.
    """

    settings: LocalCloudSettings
    endpoint_url: str
    work: Path
    supervisor: Supervisor
    clock: Clock
    training_quota: Quota
    endpoint_quota: Quota
    transform_quota: Quota
    processing_quota: Quota
    tags: Tags = field(default_factory=Tags)

    @classmethod
    def create(cls, settings: LocalCloudSettings, endpoint_url: str, work: Path) -> Backend:
        """Start with nothing running."""
        return cls(
            settings=settings,
            endpoint_url=endpoint_url,
            work=work,
            supervisor=Supervisor(settings.max_process_memory_mb),
            clock=Clock(settings.rollout_clock_rate),
            training_quota=Quota("training job usage", settings.max_training_instances),
            endpoint_quota=Quota("endpoint usage", settings.max_endpoint_instances),
            transform_quota=Quota("transform job usage", settings.max_transform_instances),
            processing_quota=Quota("processing job usage", settings.max_processing_instances),
        )

    def store(self, scope: Scope, credentials: Credentials) -> ObjectStore:
        """Return S3 with a role's credentials."""
        return ObjectStore(credentials, self.endpoint_url, scope.region)

    def container_environment(
        self, scope: Scope, *, isolated: bool, credentials: Credentials, own: Mapping[str, str]
    ) -> dict[str, str]:
        """Return a container's environment: little, and the role's credentials only where there is a network."""
        cpus = os.cpu_count() or 1
        reachable = {
            **credentials.variables(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "HOME": str(self.work),
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": scope.region,
            "AWS_DEFAULT_REGION": scope.region,
            "SM_NUM_CPUS": str(cpus),
            **({} if isolated else reachable),
            **own,
        }
