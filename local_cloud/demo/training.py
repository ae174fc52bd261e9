"""Follows the training job that a deploy waits for, from SageMaker's API and CloudWatch's logs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_POLL_S: Final = 1.0
_STOP_S: Final = 2.0
"""How long a last question is waited for, which nobody may answer any more."""
_LOSS: Final = re.compile(r"epoch=(?P<epoch>\w+), (?:validation|train) total_loss <loss>=(?P<loss>[0-9.]+)")


class Job(TypedDict, total=False):
    """What DescribeTrainingJob says, as far as the demo uses it."""

    TrainingJobName: str
    TrainingJobStatus: str
    SecondaryStatus: str
    CreationTime: datetime
    TrainingEndTime: datetime
    ModelArtifacts: dict[str, str]


class SageMaker(Protocol):
    """The operations of boto3's SageMaker client used here."""

    def list_training_jobs(self, *, SortBy: str, SortOrder: str, MaxResults: int) -> dict[str, list[Job]]:
        """List jobs."""

    def describe_training_job(self, *, TrainingJobName: str) -> Job:
        """Describe a job."""


class Logs(Protocol):
    """The operations of boto3's CloudWatch Logs client used here."""

    def filter_log_events(
        self,
        *,
        logGroupName: str,
        logStreamNamePrefix: str,
        limit: int,
    ) -> dict[str, list[dict[str, str]]]:
        """Read lines."""


@dataclass(frozen=True)
class Training:
    """The newest training job, when it has ended."""

    name: str
    seconds: float
    artifact_uri: str


def newest(sagemaker: SageMaker) -> Job | None:
    """Return the job that was created last."""
    jobs = sagemaker.list_training_jobs(SortBy="CreationTime", SortOrder="Descending", MaxResults=1)
    names = [job["TrainingJobName"] for job in jobs["TrainingJobSummaries"]]
    return sagemaker.describe_training_job(TrainingJobName=names[0]) if names else None


def ended(sagemaker: SageMaker) -> Training | None:
    """Return the newest job if it has ended with a model."""
    job = newest(sagemaker)
    if job is None or job["TrainingJobStatus"] != "Completed":
        return None
    seconds = (job["TrainingEndTime"] - job["CreationTime"]).total_seconds()
    return Training(job["TrainingJobName"], round(seconds, 2), job["ModelArtifacts"]["S3ModelArtifacts"])


class Follower(threading.Thread):
    """Tells how far the training is, while something else waits for it."""

    def __init__(self, sagemaker: SageMaker, logs: Logs, tell: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self._sagemaker, self._logs, self._tell = sagemaker, logs, tell
        self._stopped = threading.Event()

    def run(self) -> None:
        """Poll until stopped, or until nobody answers: why not, the deployment says."""
        try:
            while not self._stopped.wait(_POLL_S):
                job = newest(self._sagemaker)
                if job is not None and job["TrainingJobStatus"] == "InProgress":
                    self._tell(f"training: {self._progress(job)}")
        except (BotoCoreError, ClientError):
            self._tell("")

    def stop(self) -> None:
        """Poll no more."""
        self._stopped.set()
        self.join(_STOP_S)

    def _progress(self, job: Job) -> str:
        try:
            log = self._logs.filter_log_events(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job['TrainingJobName']}/algo-1", limit=10_000
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            # Nobody has logged yet, in this account's life.
            return job["SecondaryStatus"].lower()
        losses = [match for event in log["events"] if (match := _LOSS.search(event["message"]))]
        if not losses:
            return job["SecondaryStatus"].lower()
        return f"epoch {losses[-1]['epoch']}, loss {float(losses[-1]['loss']):.2f}"
