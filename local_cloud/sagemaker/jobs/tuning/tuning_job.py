"""The record of one hyperparameter tuning job: what was asked for, its trials, and the best of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local_cloud.sagemaker.jobs.job import Job, JobNames
from local_cloud.sagemaker.jobs.training import metric_definitions
from local_cloud.sagemaker.jobs.training.training_job import TrainingJob
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.state import STOPPED_REASON, scope_of, scope_record
from local_cloud.shared.wire import JsonObject, JsonValue, Node

NAMES = JobNames(
    "HyperParameterTuningJobName",
    "hyperparameter tuning job",
    "hyper-parameter-tuning-job",
    taken=(
        "Hyperparameter tuning job names must be unique within an AWS account and region, and one with this name "
        "already exists"
    ),
)
SUCCEEDED, PENDING, FAILED = "Succeeded", "Pending", "Failed"
FINAL = frozenset({"Completed", "Failed", "Stopped"})
_COUNTED = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}


def trial_resources(definition: Node) -> Node:
    """Return the ResourceConfig of every trial: of several kinds of instances, the first, as if it were to be had.

    Raises:
        ServiceError: there is none, or two.
    """
    named = [name for name in ("ResourceConfig", "HyperParameterTuningResourceConfig") if name in definition]
    if len(named) != 1:
        raise validation_error(
            "TrainingJobDefinition must have one of ResourceConfig and HyperParameterTuningResourceConfig."
        )
    resources = definition.node(named[0])
    kinds = resources.nodes("InstanceConfigs")
    return kinds[0] if kinds else resources


@dataclass(frozen=True)
class Objective:
    """The metric that is searched for."""

    metric: str
    maximise: bool

    @property
    def type(self) -> str:
        """As the service writes it."""
        return "Maximize" if self.maximise else "Minimize"

    def cost(self, value: float) -> float:
        """Return what is smaller the better."""
        return -value if self.maximise else value


@dataclass(frozen=True)
class Trial:
    """One training job of a tuning job, and the hyperparameters that were chosen for it."""

    job: TrainingJob
    tuned: Mapping[str, str]

    def value(self, objective: Objective) -> float | None:
        """Return the objective's last value, once the job has ended with one."""
        return self.job.metric(objective.metric) if self.job.finished.is_set() else None

    def objective_status(self, objective: Objective) -> str:
        """Tell whether there is a value."""
        if not self.job.finished.is_set():
            return PENDING
        return FAILED if self.value(objective) is None or self.job.status == "Failed" else SUCCEEDED

    def summary(self, objective: Objective, *, tuning_job: str = "") -> JsonObject:
        """Return it as the tuning operations do; for OverallBestTrainingJob with the tuning job's name."""
        described = self.job.describe()
        names = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime",
                 "TrainingJobStatus", "FailureReason")  # fmt: skip
        summary: dict[str, JsonValue] = {name: described[name] for name in names if name in described}
        summary |= {"TunedHyperParameters": dict(self.tuned), "ObjectiveStatus": self.objective_status(objective)}
        value = self.value(objective)
        if value is not None:
            summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": objective.type,
                "MetricName": objective.metric,
                "Value": value,
            }
        return summary | ({"TuningJobName": tuning_job} if tuning_job else {})


class TuningJob(Job):
    """One tuning job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node) -> None:
        super().__init__(NAMES, scope, request)
        self._trials: list[Trial] = []
        self._modified = self.created
        self._ended: float | None = None

    @property
    def config(self) -> Node:
        """Its HyperParameterTuningJobConfig."""
        return self.request.node("HyperParameterTuningJobConfig")

    @property
    def definition(self) -> Node:
        """Its TrainingJobDefinition."""
        return self.request.node("TrainingJobDefinition")

    @property
    def objective(self) -> Objective:
        """What it searches for."""
        objective = self.config.node("HyperParameterTuningJobObjective")
        return Objective(objective.text("MetricName"), maximise=objective.text("Type") == "Maximize")

    @property
    def trials(self) -> list[Trial]:
        """Its trials so far, in the order in which they were begun."""
        with self._lock:
            return list(self._trials)

    def add(self, trial: Trial) -> None:
        """Note a trial that was begun."""
        with self._lock:
            self._trials.append(trial)
            self._modified = time.time()

    def end(self, status: str, *, failure: str = "", at: float | None = None) -> None:
        """Enter a final status."""
        with self._lock:
            self._enter(status, failure)
            self._ended = self._modified = time.time() if at is None else at
        self.finished.set()

    def best(self) -> Trial | None:
        """Return the trial with the best objective."""
        objective = self.objective
        rated = [
            (objective.cost(value), number, trial)
            for number, trial in enumerate(self.trials)
            if trial.objective_status(objective) == SUCCEEDED and (value := trial.value(objective)) is not None
        ]
        return min(rated)[2] if rated else None

    def record(self) -> JsonObject:
        """Return it as it is kept between lives."""
        with self._lock:
            return {
                "scope": scope_record(self.scope),
                "request": self.request.values,
                "created": self.created,
                "status": self._status,
                "failure": self._failure,
                "ended": self._ended,
                "trials": [{"job": trial.job.name, "tuned": dict(trial.tuned)} for trial in self._trials],
            }

    @classmethod
    def restored(cls, record: Node, training_job: Callable[[Scope, str], TrainingJob]) -> TuningJob:
        """Return what was kept, with its trials; a job that was under way has failed."""
        job = cls(scope_of(record), record.node("request"))
        job.created = record.number("created")
        job._trials = [
            Trial(training_job(job.scope, item.text("job")), item.mapping("tuned")) for item in record.nodes("trials")
        ]
        if record.text("status") in FINAL:
            job.end(record.text("status"), failure=record.text("failure"), at=record.number("ended"))
        else:
            job.end("Failed", failure=STOPPED_REASON)
        return job

    def describe(self) -> JsonObject:
        """Return it as DescribeHyperParameterTuningJob does."""
        description: dict[str, JsonValue] = {**self.summary(), "HyperParameterTuningJobConfig": self.config.values}
        del description["Strategy"], description["ResourceLimits"]
        description["TrainingJobDefinition"] = {
            **self.definition.values,
            # The service adds it, as to the jobs themselves.
            "StaticHyperParameters": self.static_hyperparameters(),
            "AlgorithmSpecification": metric_definitions.described(self.definition.node("AlgorithmSpecification")),
            # SDKs attach by it, also where the request gave the tuning job's own kind of it.
            "ResourceConfig": trial_resources(self.definition).values,
        }
        best = self.best()
        if best is not None:
            description["BestTrainingJob"] = best.summary(self.objective)
        description["ConsumedResources"] = {"RuntimeInSeconds": self.runtime_s()}
        if self._failure:
            description["FailureReason"] = self._failure
        return description

    def summary(self) -> JsonObject:
        """Return it as ListHyperParameterTuningJobs does."""
        objective, trials = self.objective, self.trials
        statuses = [trial.job.status for trial in trials]
        counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
        for status in statuses:
            counters[_COUNTED.get(status, "InProgress")] += 1
        objectives = dict.fromkeys((SUCCEEDED, PENDING, FAILED), 0)
        for trial in trials:
            objectives[trial.objective_status(objective)] += 1
        summary: dict[str, JsonValue] = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobStatus": self.status,
            "Strategy": self.config.text("Strategy"),
            "CreationTime": self.created,
            "LastModifiedTime": self._modified,
            "TrainingJobStatusCounters": counters,
            "ObjectiveStatusCounters": objectives,
            "ResourceLimits": self.config.node("ResourceLimits").values,
        }
        if self._ended is not None:
            summary["HyperParameterTuningEndTime"] = self._ended
        return summary

    def static_hyperparameters(self) -> dict[str, str]:
        """Return the hyperparameters that every trial has; the service adds the name of the objective."""
        given = self.definition.mapping("StaticHyperParameters")
        return {**given, "_tuning_objective_metric": self.objective.metric}

    def runtime_s(self) -> int:
        """Return how long its trials have trained together, in seconds."""
        return round(sum(trial.job.training_s() for trial in self.trials))
