"""The sweep's state machine: the stage's own training job, many times, with other hyperparameters. Pure: no constructs.

An execution is given `{"jobs": [{"hyperparameters": {…}, "repeat": "0"}, …]}`, and answers for each, in order, its
training job's name and how it ended. A job that fails fails alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from stacks.shared import open_training
from stacks.shared.names import sweep_job_name_prefix
from stacks.shared.retries import JOB_NOT_TAKEN
from stacks.training import training_job
from training_scripts.hyperparameters import FEATURE_DIM
from training_scripts.ntm_environment import CORPUS_VARIABLE, SEED_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stacks.settings.stage import StageSettings

COMPLETED: Final = "Completed"
UNSEEN: Final = "test"
"""The channel that jobs do not get: what a sweep chooses by must not be what the choice is judged by."""

_RETRIED: Final = [
    JOB_NOT_TAKEN,
    # The account's quota of instances, which the sweep's own jobs hold: they end some time.
    {
        "ErrorEquals": ["SageMaker.ResourceLimitExceededException"],
        "IntervalSeconds": 60,
        "MaxAttempts": 30,
        "BackoffRate": 1,
    },
]


def stage_hyperparameters(settings: StageSettings) -> dict[str, str]:
    """Return the hyperparameters of the stage's training, which a job has where the sweep says nothing else."""
    # Any size does: the corpus's own comes with each job.
    known = settings.training.hyperparameters.for_job(1).items()
    return {name: value for name, value in known if name != FEATURE_DIM}


def request(settings: StageSettings, *, stage: str, placeholders: Sequence[str] = ()) -> dict[str, object]:
    """Return the parameters of the state that calls CreateTrainingJob: the training's, but for what a sweep varies.

    So instances, volumes, encryption, isolation and network are those of the training, whatever they come to be.
    """
    training = training_job.request(
        settings.training, stage=stage, algorithm=settings.algorithm, placeholders=placeholders
    )
    fixed = {
        name: value
        for name, value in training.items()
        if not name.startswith(("TrainingJobName", "HyperParameters", "InputDataConfig", "Environment", "Tags"))
    }
    return {
        "TrainingJobName.$": "$.name",
        **fixed,
        "HyperParameters.$": "States.JsonMerge($.stage, $.job.hyperparameters, false)",
        "InputDataConfig": [_from_the_stages_corpus(channel) for channel in _channels(training)],
        # The built-in's repeats differ by themselves, and it refuses a seed; the open NTM is told one here.
        "Environment": {CORPUS_VARIABLE: "${CorpusHash}", f"{SEED_VARIABLE}.$": "$.job.repeat"},
        "Tags": [
            {"Key": "topic-model:stage", "Value": stage},
            {"Key": "topic-model:sweep", "Value.$": "$$.Execution.Name"},
        ],
    }


def definition(settings: StageSettings, *, stage: str, placeholders: Sequence[str] = ()) -> dict[str, object]:
    """Return the sweep in Amazon States Language.

    It refuses more jobs than the stage's budget before it starts one: whoever calls it, by whatever command.
    """
    if settings.sweep is None:
        raise ValueError(f"stage {stage} has no sweep")
    training, most = settings.training, settings.most_sweep_jobs
    waves = math.ceil(most / settings.sweep.max_concurrency)
    return {
        "Comment": f"Trains the topic model of stage {stage} with many hyperparameters, to choose by",
        "TimeoutSeconds": waves * training.pipeline_timeout_s,
        "StartAt": "CountJobs",
        "States": {
            "CountJobs": {
                "Type": "Pass",
                "Parameters": {"jobs.$": "$.jobs", "count.$": "States.ArrayLength($.jobs)"},
                "Next": "WithinBudget",
            },
            "WithinBudget": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.count", "NumericGreaterThan": most, "Next": "OverBudget"}],
                "Default": "TrainEach",
            },
            "OverBudget": {
                "Type": "Fail",
                "Error": "SweepOverBudget",
                "Cause": f"The budget of stage {stage} is {most} jobs of {training.instance_count} x "
                f"{training.max_runtime_s} instance-seconds at most",
            },
            "TrainEach": {
                "Type": "Map",
                "ItemsPath": "$.jobs",
                "MaxConcurrency": settings.sweep.max_concurrency,
                "ItemSelector": {
                    "job.$": "$$.Map.Item.Value",
                    "name.$": f"States.Format('{sweep_job_name_prefix(stage)}{{}}-{{}}', "
                    "$$.Execution.Name, $$.Map.Item.Index)",
                    "stage": _of_every_job(settings),
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "Train",
                    "States": _of_one_job(request(settings, stage=stage, placeholders=placeholders)),
                },
                "End": True,
            },
        },
    }


def _of_every_job(settings: StageSettings) -> dict[str, str]:
    """Return what each job is told where the sweep says nothing else; script mode's own with the open NTM."""
    ours = open_training.hyperparameters(settings.training.switches) if settings.algorithm == "open" else {}
    return stage_hyperparameters(settings) | ours


def _of_one_job(parameters: dict[str, object]) -> dict[str, object]:
    return {
        "Train": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
            "Parameters": parameters,
            # Little of each: the answers of all jobs together may have 256 KB.
            "ResultSelector": {
                "job.$": "$.TrainingJobName",
                "status.$": "$.TrainingJobStatus",
                "artifact.$": "$.ModelArtifacts.S3ModelArtifacts",
            },
            "Retry": _RETRIED,
            "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "TellFailure"}],
            "End": True,
        },
        "TellFailure": {
            "Comment": "A job that fails is told of, and the others go on",
            "Type": "Pass",
            "Parameters": {"job.$": "$.name", "status": "Failed", "error.$": "$.error.Error"},
            "End": True,
        },
    }


def _channels(training: dict[str, object]) -> list[dict[str, object]]:
    listed = training["InputDataConfig"]
    if not isinstance(listed, list):
        raise TypeError("a training job's InputDataConfig is a list of channels")
    return [channel for channel in listed if channel["ChannelName"] != UNSEEN]


def _from_the_stages_corpus(channel: dict[str, object]) -> dict[str, object]:
    """Return a channel of the training, read from where the stage's corpus is and not from what a run says.

    The channel of code is no part of a corpus, and stays.
    """
    source = channel["DataSource"]
    if not isinstance(source, dict):
        raise TypeError("a channel's DataSource is an object")
    if "S3Uri.$" not in source["S3DataSource"]:
        return channel
    s3 = {name: value for name, value in source["S3DataSource"].items() if name != "S3Uri.$"}
    return {**channel, "DataSource": {"S3DataSource": {**s3, "S3Uri": f"${{CorpusUri}}{channel['ChannelName']}/"}}}
