"""Operations on hyperparameter tuning jobs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from local_cloud.sagemaker.jobs.job_registry import JobRegistry
from local_cloud.sagemaker.jobs.training.training_jobs import TrainingJobs
from local_cloud.sagemaker.jobs.tuning.tuning_job import FINAL, NAMES, TuningJob, trial_resources
from local_cloud.sagemaker.jobs.tuning.tuning_run import TuningRun, trial_name, trial_request
from local_cloud.sagemaker.jobs.tuning.tuning_space import Dimension, Space
from local_cloud.sagemaker.shared import images, pages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared.emulator import Headers, Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.wire import JsonObject, JsonValue, Node

NTM_OBJECTIVE = "validation:total_loss"
NTM_TUNABLE = frozenset({
    "encoder_layers_activation", "learning_rate", "mini_batch_size", "optimizer", "rescale_gradient", "weight_decay",
})  # fmt: skip
"""https://docs.aws.amazon.com/sagemaker/latest/dg/ntm-tuning.html; what it recommends as ranges is no limit."""


class TuningJobs(JobRegistry[TuningJob]):
    """Every tuning job of the account."""

    default_sort = "Name"

    def __init__(self, backend: Backend, training_jobs: TrainingJobs) -> None:
        super().__init__(NAMES)
        self._backend = backend
        self._training = training_jobs

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return super().operations() | {
            "DeleteHyperParameterTuningJob": self._delete,
            "ListTrainingJobsForHyperParameterTuningJob": self._list_trials,
        }

    def create(self, call: Call) -> JsonObject:
        """Check a request and begin to search."""
        job = TuningJob(call.scope, call.request)
        self._refuse_taken_name(job)
        space = _checked_space(job)
        most = _most_trials(job, space)
        self._check_trial(job, space, call.headers)
        self._add(job)
        self._backend.tags.create(job.arn, call.request.nodes("Tags"))
        TuningRun(
            job,
            space,
            lambda request: self._training.launch(job.scope, request, tuning_job_arn=job.arn),
            most=most,
            is_closing=lambda: self._backend.supervisor.is_closing,
        ).start()
        return {"HyperParameterTuningJobArn": job.arn}

    def _delete(self, call: Call) -> JsonObject:
        """Forget a job that has ended; its trials stay."""
        job = self._asked(call)
        if job.status not in FINAL:
            raise validation_error(
                f"The request was rejected because the hyperparameter tuning job is in status {job.status}: only one "
                "that has ended can be deleted."
            )
        self._forget(job)
        self._backend.tags.forget(job.arn)
        return {}

    def record(self) -> JsonValue:
        """Return every job, as it is kept between lives."""
        return [job.record() for job in self.jobs()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept; its trials' training jobs are there already."""
        self._take_over(TuningJob.restored(record, self._training.job) for record in records)

    def _missing(self, scope: Scope, name: str) -> ServiceError:
        arn = scope.arn("sagemaker", f"{NAMES.resource}/{name}")
        return ServiceError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the ARN {arn}.")

    def _check_trial(self, job: TuningJob, space: Space, headers: Headers) -> None:
        """Refuse what would make every trial fail."""
        definition = job.definition
        tuned = space.at([0.5] * len(space.dimensions))
        overlapping = sorted(set(tuned) & set(definition.mapping("StaticHyperParameters")))
        if overlapping:
            raise validation_error(f"Hyperparameters cannot be both static and searched: {', '.join(overlapping)}.")
        self._training.check(job.scope, trial_request(job, trial_name(job, 0), tuned), headers)
        parallel = job.config.node("ResourceLimits").integer("MaxParallelTrainingJobs")
        resources = trial_resources(definition)
        self._backend.training_quota.require(
            parallel * resources.integer("InstanceCount"), resources.text("InstanceType")
        )

    def _list_trials(self, call: Call) -> JsonObject:
        job = self._asked(call)
        trials = job.trials
        if call.request.text("SortBy") == "FinalObjectiveMetricValue":
            # As on AWS: only trials that have a value are told.
            trials = [trial for trial in trials if trial.value(job.objective) is not None]
        values = {trial.job.name: trial.value(job.objective) for trial in trials}
        return pages.page(
            [trial.summary(job.objective) for trial in trials],
            call.request,
            result="TrainingJobSummaries",
            name="TrainingJobName",
            status="TrainingJobStatus",
            default_sort="Name",
            sort_values={"FinalObjectiveMetricValue": lambda item: values[str(item["TrainingJobName"])]},
        )


def _checked_space(job: TuningJob) -> Space:
    if "TrainingJobDefinition" not in job.request:
        raise validation_error("TrainingJobDefinition must be specified.")
    if "HyperParameterTuningJobObjective" not in job.config:
        raise validation_error("HyperParameterTuningJobObjective must be specified.")
    space = Space.of(job.config.node("ParameterRanges"))
    specification = job.definition.node("AlgorithmSpecification")
    image = specification.text("TrainingImage")
    if images.repository(image) == images.NTM:
        _check_ntm(job, space, image)
    elif job.objective.metric not in {item.text("Name") for item in specification.nodes("MetricDefinitions")}:
        raise validation_error(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            f"definitions: {job.objective.metric} is not among them."
        )
    return space


def _check_ntm(job: TuningJob, space: Space, image: str) -> None:
    objective = job.objective
    if objective.metric != NTM_OBJECTIVE:
        raise validation_error(
            f"The objective metric for the hyperparameter tuning job, [{objective.metric}], isn't valid for the "
            f"[{image}] algorithm. Choose a valid objective metric: {NTM_OBJECTIVE}."
        )
    if objective.maximise:
        raise validation_error(
            f"The objective metric type, [Maximize], that you specified for objective metric, [{NTM_OBJECTIVE}], isn't "
            f"valid for the [{image}] algorithm. Choose a valid objective metric type."
        )
    unknown = [dimension.name for dimension in space.dimensions if dimension.name not in NTM_TUNABLE]
    if unknown:
        raise validation_error(
            f"Hyperparameter {', '.join(unknown)} cannot be tuned for the [{image}] algorithm; tunable are "
            f"{', '.join(sorted(NTM_TUNABLE))}."
        )
    known = importlib.import_module("training_scripts.hyperparameters")
    static = job.definition.mapping("StaticHyperParameters")
    for dimension in space.dimensions:
        for value in _outermost(dimension):
            middle = space.at([0.5] * len(space.dimensions))
            try:
                known.parse_job_hyperparameters({**static, **middle, dimension.name: value})
            except known.HyperparameterError as error:
                raise validation_error(f"The range of hyperparameter {dimension.name} is invalid: {error}") from None


def _outermost(dimension: Dimension) -> Sequence[str]:
    return dimension.choices or (dimension.at(0.0), dimension.at(1.0))


def _most_trials(job: TuningJob, space: Space) -> int:
    limits = job.config.node("ResourceLimits")
    if job.config.text("Strategy") == "Grid":
        combinations = len(space.grid())
        asked = limits.integer("MaxNumberOfTrainingJobs", combinations)
        if asked != combinations:
            raise validation_error(
                f"Grid search tries all {combinations} combinations: MaxNumberOfTrainingJobs is {asked}; leave it out "
                "or give that number."
            )
        return combinations
    if "MaxNumberOfTrainingJobs" not in limits:
        raise validation_error("ResourceLimits must give a MaxNumberOfTrainingJobs.")
    most, parallel = limits.integer("MaxNumberOfTrainingJobs"), limits.integer("MaxParallelTrainingJobs")
    if parallel > most:
        raise validation_error(
            f"MaxParallelTrainingJobs {parallel} must not be greater than MaxNumberOfTrainingJobs {most}."
        )
    return most
