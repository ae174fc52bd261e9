"""SageMaker as one service: its operations put together, and its runtime beside them."""

from __future__ import annotations

from local_cloud.emulator import Headers, Query, Response
from local_cloud.json_service import JsonService, Operation
from local_cloud.sagemaker.backend import Backend
from local_cloud.sagemaker.training_jobs import TrainingJobs

NAME = "sagemaker"
TARGET_PREFIX = "SageMaker"


class SageMaker:
    """The service, its control plane by target header and its runtime by path."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.training_jobs = TrainingJobs(backend)
        operations: dict[str, Operation] = {
            **self.training_jobs.operations(),
            **backend.tags.operations(),
        }
        self.api = JsonService(NAME, TARGET_PREFIX, operations)

    async def handle(self, method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        """Answer an HTTP request of either."""
        return await self.api.handle(method, path, headers, body, query)

    def close(self) -> None:
        """Stop everything that runs."""
        self.training_jobs.close()
        self.backend.supervisor.close()
