"""The jobs of one kind by region and name, and the operations that every kind has alike."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar

from local_cloud.sagemaker.jobs.job import Job, JobNames
from local_cloud.sagemaker.shared import pages
from local_cloud.shared import refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonObject

AnyJob = TypeVar("AnyJob", bound=Job)


class JobRegistry(ABC, Generic[AnyJob]):
    """Every job of one kind in the account."""

    default_sort = "CreationTime"
    status_thins_pages = False
    """How the kind is listed; see `pages.page`."""

    def __init__(self, names: JobNames) -> None:
        self._names = names
        self._jobs: dict[tuple[Scope, str], AnyJob] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        stem = self._names.stem
        return {
            f"Create{stem}": self.create,
            f"Describe{stem}": lambda call: self._asked(call).describe(),
            f"Stop{stem}": self._stop,
            f"List{stem}s": self._list,
        }

    @abstractmethod
    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""

    def job(self, scope: Scope, name: str) -> AnyJob:
        """Return a job.

        Raises:
            ServiceError: there is none of this name.
        """
        job = self._jobs.get((scope, name))
        if job is None:
            raise self._missing(scope, name)
        return job

    def jobs(self) -> list[AnyJob]:
        """Return every job."""
        with self._lock:
            return list(self._jobs.values())

    def running(self) -> list[AnyJob]:
        """Return every job that has not ended."""
        return [job for job in self.jobs() if not job.finished.is_set()]

    def _missing(self, scope: Scope, name: str) -> ServiceError:
        """Return the refusal of a name that no job has."""
        del scope, name
        return refusals.JOB_MISSING.error()

    def _asked(self, call: Call) -> AnyJob:
        return self.job(call.scope, call.request.text(self._names.name))

    def _refuse_taken_name(self, job: Job) -> None:
        if (job.scope, job.name) in self._jobs:
            raise refusals.JOB_NAME_TAKEN.error(taken=self._names.taken, arn=job.arn)

    def _add(self, job: AnyJob) -> None:
        """Keep a new job, unless another has taken its name meanwhile.

        Raises:
            ServiceError: the name is taken.
        """
        with self._lock:
            self._refuse_taken_name(job)
            self._jobs[job.scope, job.name] = job

    def _forget(self, job: AnyJob) -> None:
        with self._lock:
            self._jobs.pop((job.scope, job.name), None)

    def _take_over(self, jobs: Iterable[AnyJob]) -> None:
        """Keep these jobs and no others."""
        self._jobs = {(job.scope, job.name): job for job in jobs}

    def _stop(self, call: Call) -> JsonObject:
        """Ask a running job to end; how it does is its run's."""
        job = self._asked(call)
        if job.finished.is_set():
            raise refusals.JOB_ENDED.error(kind=self._names.spoken, status=job.status)
        job.stop_requested.set()
        return {}

    def _list(self, call: Call) -> JsonObject:
        stem = self._names.stem
        return pages.page(
            [job.summary() for job in self.jobs() if job.scope == call.scope],
            call.request,
            result=f"{stem}Summaries",
            name=self._names.name,
            status=f"{stem}Status",
            default_sort=self.default_sort,
            status_thins_pages=self.status_thins_pages,
        )
