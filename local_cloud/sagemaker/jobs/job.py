"""What the jobs of every kind have in common: what was asked for, and whether they go on."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from local_cloud.sagemaker.shared.backend import FAILURE_REASON_LENGTH, INTERNAL_ERROR
from local_cloud.shared.emulator import Scope
from local_cloud.shared.wire import JsonObject, JsonValue, Node

IN_PROGRESS = "InProgress"


@dataclass(frozen=True)
class JobNames:
    """What SageMaker calls one kind of job.

    Attributes:
        name: the member that holds a job's name: `TrainingJobName`.
        spoken: as error messages have it.
        resource: as ARNs have it.
        taken: the refusal of a name that another job has, up to that job's ARN.
    """

    name: str
    spoken: str
    resource: str
    taken: str = "Job name must be unique within an AWS account and region, and a job with this name already exists"

    @property
    def stem(self) -> str:
        """What operations and the other members are named by: `TrainingJob` of CreateTrainingJob."""
        return self.name.removesuffix("Name")


class Job(ABC):
    """One job of any kind. Safe to read and change from several threads."""

    def __init__(self, names: JobNames, scope: Scope, request: Node) -> None:
        self._names = names
        self.scope = scope
        self.request = request
        self.name = request.text(names.name)
        self.arn = scope.arn("sagemaker", f"{names.resource}/{self.name}")
        self.created = time.time()
        self.stop_requested = threading.Event()
        self.finished = threading.Event()
        self._lock = threading.Lock()
        self._status = IN_PROGRESS
        self._failure = ""

    @property
    def status(self) -> str:
        """Its status."""
        with self._lock:
            running = self._status == IN_PROGRESS
            return "Stopping" if running and self.stop_requested.is_set() else self._status

    @abstractmethod
    def describe(self) -> JsonObject:
        """Return it as its Describe operation does."""

    @abstractmethod
    def summary(self) -> JsonObject:
        """Return it as its List operation does."""

    def _enter(self, status: str, failure: str) -> None:
        """Take a status, with the lock held; a job that failed has a reason, whatever is known of it."""
        self._status = status
        self._failure = (failure.strip() or (INTERNAL_ERROR if status == "Failed" else ""))[:FAILURE_REASON_LENGTH]

    def _told(self, echoed: Iterable[str]) -> dict[str, JsonValue]:
        """Return what every description begins with, and the members of the request that it repeats."""
        names, request = self._names, self.request
        return {
            names.name: self.name,
            f"{names.stem}Arn": self.arn,
            f"{names.stem}Status": self.status,
            "CreationTime": self.created,
            **{member: request.values[member] for member in echoed if member in request},
        }
