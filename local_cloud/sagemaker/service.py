"""SageMaker as one service: its operations put together, and its runtime beside them."""

from __future__ import annotations

import time
from collections.abc import Callable

from local_cloud.sagemaker.hosting.endpoint_configs import EndpointConfigs
from local_cloud.sagemaker.hosting.endpoints import Endpoints
from local_cloud.sagemaker.hosting.metrics import InvocationMetrics
from local_cloud.sagemaker.hosting.models import Models
from local_cloud.sagemaker.hosting.runtime import Runtime
from local_cloud.sagemaker.jobs.job import Job
from local_cloud.sagemaker.jobs.processing.processing_jobs import ProcessingJobs
from local_cloud.sagemaker.jobs.training.training_jobs import TrainingJobs
from local_cloud.sagemaker.jobs.transform.transform_jobs import TransformJobs
from local_cloud.sagemaker.jobs.tuning.tuning_jobs import TuningJobs
from local_cloud.sagemaker.members import MEMBERS
from local_cloud.sagemaker.registry.model_packages import ModelPackages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared.emulator import Headers, Query, Response
from local_cloud.shared.json_service import JsonService, Operation
from local_cloud.shared.wire import JsonObject, Node

NAME = "sagemaker"
TARGET_PREFIX = "SageMaker"
CLOSE_TIMEOUT_S = 5.0


class SageMaker:
    """The service, its control plane by target header and its runtime by path."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.training_jobs = TrainingJobs(backend)
        self.tuning_jobs = TuningJobs(backend, self.training_jobs)
        self.packages = ModelPackages(backend)
        self.models = Models(backend, self.packages.container)
        self.configs = EndpointConfigs(backend, self.models)
        self.endpoints = Endpoints(backend, self.configs)
        self.transform_jobs = TransformJobs(backend, self.models)
        self.processing_jobs = ProcessingJobs(backend)
        self.metrics = InvocationMetrics()
        self.rollbacks_are_overlooked = False
        """Whether CloudFormation takes an endpoint that was rolled back for updated."""
        self.runtime = Runtime(self.endpoints, self.metrics, backend.settings.invocation_timeout_s)
        operations: dict[str, Operation] = {
            **self.training_jobs.operations(),
            **self.tuning_jobs.operations(),
            **self.transform_jobs.operations(),
            **self.processing_jobs.operations(),
            **self.models.operations(),
            **self.packages.operations(),
            **self.configs.operations(),
            **self.endpoints.operations(),
            **backend.tags.operations(),
        }
        self.api = JsonService(NAME, TARGET_PREFIX, operations, MEMBERS)

    def start(self) -> None:
        """Publish what endpoints are asked, from now on."""
        self.metrics.start()

    async def handle(self, method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        """Answer an HTTP request of either."""
        if "x-amz-target" in headers:
            return await self.api.handle(method, path, headers, body, query)
        return await self.runtime.handle(method, path, headers, body)

    def record(self) -> JsonObject:
        """Return everything that is kept between lives."""
        return {
            "models": self.models.record(),
            "endpoint_configs": self.configs.record(),
            "endpoints": self.endpoints.record(),
            "training_jobs": self.training_jobs.record(),
            "tuning_jobs": self.tuning_jobs.record(),
            "transform_jobs": self.transform_jobs.record(),
            "model_packages": self.packages.record(),
            "tags": self.backend.tags.record(),
        }

    def restore(self, record: Node) -> list[Callable[[], None]]:
        """Take over what was kept; return what brings the endpoints into service again, once S3 answers."""
        self.backend.tags.restore(record.node("tags"))
        self.models.restore(record.nodes("models"))
        self.configs.restore(record.nodes("endpoint_configs"))
        self.training_jobs.restore(record.nodes("training_jobs"))
        self.tuning_jobs.restore(record.nodes("tuning_jobs"))
        self.transform_jobs.restore(record.nodes("transform_jobs"))
        self.packages.restore(record.node("model_packages"))
        return self.endpoints.restore(record.nodes("endpoints"))

    def close(self) -> None:
        """Stop everything that runs, and wait for it."""
        running: list[Job] = [
            *self.tuning_jobs.running(),
            *self.training_jobs.running(),
            *self.transform_jobs.running(),
            *self.processing_jobs.running(),
        ]
        for job in running:
            job.stop_requested.set()
        self.backend.supervisor.close()
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        for job in running:
            job.finished.wait(max(0.0, deadline - time.monotonic()))
