"""Operations on training jobs."""

from __future__ import annotations

from local_cloud.sagemaker.jobs.job_registry import JobRegistry
from local_cloud.sagemaker.jobs.training import search
from local_cloud.sagemaker.jobs.training.channels import Channel, find_channels
from local_cloud.sagemaker.jobs.training.training_job import NAMES, Secondary, TrainingJob
from local_cloud.sagemaker.jobs.training.training_request import check_training_request
from local_cloud.sagemaker.jobs.training.training_run import TrainingRun
from local_cloud.sagemaker.shared import images, pages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import emulator, networks, roles
from local_cloud.shared.emulator import Headers, Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.roles import Credentials
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, JsonValue, Node


class TrainingJobs(JobRegistry[TrainingJob]):
    """Every training job of the account, by region and name; jobs are never deleted."""

    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
    status_thins_pages = True

    def __init__(self, backend: Backend) -> None:
        super().__init__(NAMES)
        self._backend = backend

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return super().operations() | {"Search": self._search}

    def _search(self, call: Call) -> JsonObject:
        """Find jobs; the SDK finds a model's own job so when it registers the model."""
        request, shape = call.request, emulator.botocore_model("sagemaker").shape_for("TrainingJob")
        records: list[JsonObject] = [
            {**job.describe(), "Tags": self._backend.tags.of(job.arn)} for job in self.jobs() if job.scope == call.scope
        ]
        kept = search.ordered(
            search.matching(records, request.node("SearchExpression"), shape),
            request.text("SortBy", "LastModifiedTime"),
            shape,
            descending=request.text("SortOrder", "Descending") == "Descending",
        )
        return pages.cut([{"TrainingJob": item} for item in kept], request, result="Results")

    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""
        return {"TrainingJobArn": self.launch(call.scope, call.request, headers=call.headers).arn}

    def launch(
        self, scope: Scope, request: Node, *, headers: Headers | None = None, tuning_job_arn: str = ""
    ) -> TrainingJob:
        """Start a job, for a caller or for a tuning job.

        Raises:
            ServiceError: the request cannot be done.
        """
        backend = self._backend
        job = TrainingJob(scope, request, tuning_job_arn=tuning_job_arn)
        credentials, channels = self.check(scope, request, headers or {})
        with backend.training_quota.taken(job.instance_count, job.instance_type):
            self._add(job)
        backend.tags.create(job.arn, request.nodes("Tags"))
        TrainingRun(backend, job, credentials, channels).start()
        return job

    def check(self, scope: Scope, request: Node, headers: Headers) -> tuple[Credentials, list[Channel]]:
        """Check a request as far as that can be done before its job; return the role's credentials and the channels.

        Raises:
            ServiceError: it cannot be done.
        """
        job = TrainingJob(scope, request)
        self._refuse_taken_name(job)
        check_training_request(request)
        image = request.node("AlgorithmSpecification").text("TrainingImage")
        images.commands(image, self._backend.settings.containers, scope.region)
        roles.require_pass_role(scope, headers, job.role_arn)
        networks.require(scope, request.node("VpcConfig"))
        credentials = roles.assume(scope, job.role_arn, session="SageMaker", source_arn=job.arn)
        store = self._backend.store(scope, credentials)
        return credentials, list(find_channels(request, store, job.role_arn, scope.region))

    def interrupt(self, name: str, without_capacity_s: float) -> None:
        """Take the Spot instances of a job away, whatever region it is in; there are others after so many seconds.

        Raises:
            ServiceError: there is no such job, it is not on Spot instances, or it does not train.
        """
        matching = [job for job in self.jobs() if job.name == name]
        if not matching:
            raise validation_error(f"There is no training job {name!r}.")
        job = matching[-1]
        if not job.is_spot:
            raise validation_error(f"Training job {name} is not on Spot instances: EnableManagedSpotTraining is off.")
        if job.secondary is not Secondary.TRAINING:
            raise validation_error(f"Training job {name} is {job.secondary}: only one that trains can be interrupted.")
        job.interrupt(without_capacity_s)

    def record(self) -> JsonValue:
        """Return every job, as it is kept between lives."""
        return [job.record() for job in self.jobs()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        self._take_over(TrainingJob.restored(record) for record in records)
