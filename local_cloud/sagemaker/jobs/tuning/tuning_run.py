"""Running one hyperparameter tuning job: trials side by side, each a training job of its own."""

from __future__ import annotations

import importlib
import logging
import secrets
import threading
import time
import zlib
from typing import TYPE_CHECKING

from local_cloud.sagemaker.jobs.tuning.tuning_job import Trial, TuningJob, trial_resources
from local_cloud.sagemaker.shared.backend import INTERNAL_ERROR
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.jobs.training.training_job import TrainingJob
    from local_cloud.sagemaker.jobs.tuning.tuning_search import Search
    from local_cloud.sagemaker.jobs.tuning.tuning_space import Space
    from local_cloud.shared.wire import JsonObject, JsonValue

logger = logging.getLogger("local_cloud")

POLL_S = 0.1
WITHOUT_OBJECTIVE = 5
"""After so many trials without the objective's metric, and none with it, a tuning job gives up."""

_OF_THE_DEFINITION = (
    "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig", "StoppingCondition",
    "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig",
    "RetryStrategy", "Environment", "AlgorithmSpecification",
)  # fmt: skip


class TuningFailedError(Exception):
    """The tuning job's FailureReason."""


def trial_request(job: TuningJob, name: str, tuned: dict[str, str]) -> Node:
    """Return the CreateTrainingJob request of one trial."""
    definition = job.definition
    request: dict[str, JsonValue] = {
        member: definition.values[member] for member in _OF_THE_DEFINITION if member in definition
    }
    request["ResourceConfig"] = trial_resources(definition).values
    parameters: JsonObject = {**job.static_hyperparameters(), **tuned}
    checkpoints = definition.node("CheckpointConfig")
    if "S3Uri" in checkpoints:
        # Trials would go on from each other's checkpoints.
        request["CheckpointConfig"] = {
            **checkpoints.values, "S3Uri": f"{checkpoints.text('S3Uri').rstrip('/')}/{name}",
        }  # fmt: skip
    return Node(
        {
            **request,
            "TrainingJobName": name,
            "HyperParameters": parameters,
            "Tags": job.request.values.get("Tags") or [],
        }
    )


def trial_name(job: TuningJob, number: int) -> str:
    """Return a trial's name: the tuning job's, its number, and what makes it unique."""
    return f"{job.name}-{number:03d}-{secrets.token_hex(4)}"


class TuningRun:
    """One run of a tuning job, on a thread of its own.

    Args:
        launch: starts a training job.
        most: how many trials at most.
    """

    def __init__(
        self,
        job: TuningJob,
        space: Space,
        launch: Callable[[Node], TrainingJob],
        *,
        most: int,
        is_closing: Callable[[], bool],
    ) -> None:
        self._job = job
        self._space = space
        self._launch = launch
        self._most = most
        self._is_closing = is_closing
        self._running: dict[int, Trial] = {}
        self._begun = 0

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"tuning-{self._job.name}", daemon=True).start()

    def _run(self) -> None:
        status, failure = "Failed", INTERNAL_ERROR
        try:
            self._search()
            status, failure = ("Stopped" if self._job.stop_requested.is_set() else "Completed"), ""
        except TuningFailedError as error:
            failure = str(error)
        except Exception:
            logger.exception("tuning job %s", self._job.name)
        finally:
            self._stop_trials()
            self._job.end(status, failure=failure)

    def _search(self) -> None:
        job = self._job
        search = self._strategy()
        parallel = job.config.node("ResourceLimits").integer("MaxParallelTrainingJobs", 1)
        exhausted = False
        while not (job.stop_requested.is_set() or self._is_over()):
            while len(self._running) < parallel and self._begun < self._most and not exhausted:
                exhausted = not self._begin(search)
            if not self._running:
                break
            self._collect(search)
            time.sleep(POLL_S)
        if not job.stop_requested.is_set() and job.trials and all(t.job.status == "Failed" for t in job.trials):
            raise TuningFailedError(
                "All training jobs failed. Please take a look at the training jobs failures to get more details."
            )

    def _strategy(self) -> Search:
        # What they need of NumPy is imported when the first tuning job comes.
        search = importlib.import_module("local_cloud.sagemaker.jobs.tuning.tuning_search")
        config = self._job.config
        seed = config.integer("RandomSeed", zlib.crc32(self._job.name.encode()))
        if config.text("Strategy") == "Grid":
            grid: Search = search.Grid(self._space)
            return grid
        chosen: Search = getattr(search, config.text("Strategy"))(self._space, seed)
        return chosen

    def _begin(self, search: Search) -> bool:
        """Begin a trial; False when there is nothing left to try."""
        proposed = search.propose()
        if proposed is None:
            return False
        number, tuned = proposed
        request = trial_request(self._job, trial_name(self._job, number), tuned)
        try:
            trial = Trial(self._wait_for_instances(request), tuned)
        except ServiceError as error:
            raise TuningFailedError(f"ClientError: {error.message}") from None
        self._begun += 1
        self._running[number] = trial
        self._job.add(trial)
        return True

    def _wait_for_instances(self, request: Node) -> TrainingJob:
        """Launch as soon as the account has the instances: other jobs may have taken them since the job was made."""
        while True:
            try:
                return self._launch(request)
            except ServiceError as error:
                if error.code != "ResourceLimitExceeded" or self._job.stop_requested.wait(POLL_S):
                    raise

    def _collect(self, search: Search) -> None:
        job, objective = self._job, self._job.objective
        for number, trial in list(self._running.items()):
            if trial.job.finished.is_set():
                del self._running[number]
                value = trial.value(objective)
                search.tell(number, None if value is None else objective.cost(value))
        ended = [trial for trial in job.trials if trial.job.status == "Completed"]
        if len(ended) >= WITHOUT_OBJECTIVE and all(trial.value(objective) is None for trial in ended):
            raise TuningFailedError(
                f"ClientError: No objective metrics found after running {len(ended)} training jobs. Please ensure that "
                f"the algorithm emits {objective.metric}: for the built-in NTM, that there is a validation channel."
            )

    def _is_over(self) -> bool:
        job, config = self._job, self._job.config
        limit = config.node("ResourceLimits").integer("MaxRuntimeInSeconds")
        if limit and time.time() - job.created > limit:
            return True
        criteria, best = config.node("TuningJobCompletionCriteria"), job.best()
        if best is None or "TargetObjectiveMetricValue" not in criteria:
            return False
        value = best.value(job.objective)
        wanted = job.objective.cost(criteria.number("TargetObjectiveMetricValue"))
        return value is not None and job.objective.cost(value) <= wanted

    def _stop_trials(self) -> None:
        for trial in self._running.values():
            trial.job.stop_requested.set()
        for trial in self._running.values():
            # An emulator that is being stopped does not wait: its processes are stopped too.
            while not trial.job.finished.wait(POLL_S) and not self._is_closing():
                pass
