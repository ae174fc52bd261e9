"""Output of containers, in the CloudWatch log groups that SageMaker uses, as far as the role may write there."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from local_cloud.shared import emulated_identity, emulated_metrics
from local_cloud.shared.emulator import Scope

logger = logging.getLogger("local_cloud")

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
TRANSFORM_GROUP = "/aws/sagemaker/TransformJobs"


def endpoint_group(endpoint: str) -> str:
    """Return the log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


class LogStream:
    """One container's log stream.

    SageMaker writes it under the execution role: a role that may not is a container whose output is lost, and the
    emulator's own log says so once.
    """

    def __init__(self, scope: Scope, role_arn: str, group: str, stream: str) -> None:
        self._scope = scope
        self._role_arn = role_arn
        self._group = group
        self._stream = stream
        self._allowed: bool | None = None

    @property
    def arn(self) -> str:
        """ARN of the stream's group, as ModelError gives it."""
        return self._scope.arn("logs", f"log-group:{self._group}")

    def write(self, lines: Sequence[tuple[int, str]]) -> None:
        """Append lines, each with its time in epoch milliseconds."""
        if self._allowed is None:
            self._allowed = self._may_write()
        if self._allowed:
            emulated_metrics.put_log_lines(self._scope, self._group, self._stream, lines)

    def _may_write(self) -> bool:
        resource = f"{self.arn}:log-stream:{self._stream}"
        denied = [
            action
            for action in ("logs:CreateLogStream", "logs:PutLogEvents")
            if not emulated_identity.role_allows(self._role_arn, self._scope, action, resource, {})
        ]
        if denied:
            logger.warning("%s may not %s: the output of %s is lost", self._role_arn, " or ".join(denied), resource)
        return not denied
