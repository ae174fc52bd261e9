"""The state machine that trains: look at the corpus, run the job, record what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constructs import Construct

from stacks.shared import open_training
from stacks.shared.bucket_layout import MODELS_PREFIX
from stacks.shared.names import job_name_prefix, pipeline_name
from stacks.shared.pipeline_machine import pipeline_machine
from stacks.shared.retries import FUNCTION_UNAVAILABLE, JOB_NOT_TAKEN
from stacks.shared.roles.job_pipeline_role import JobPipelineRole
from stacks.training import training_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_lambda as lambda_

    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import Algorithm, StageSettings, TrainingSettings
    from stacks.shared.registry_image import RegistryImage

ANSWER_FUNCTION: Final = "AnswerFunctionArn"
_CAUGHT: Final = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "TellDeployOfFailure"}]


def definition(
    settings: TrainingSettings,
    *,
    stage: str,
    algorithm: Algorithm,
    definition_hash: str,
    placeholders: Sequence[str] = (),
    retrains: bool = False,
) -> dict[str, object]:
    """Return the pipeline in Amazon States Language, with `${…}` for what the account decides.

    A pipeline that `retrains` takes the corpus that its run's input names, where it names one.
    `definition_hash` stands in the definition itself, so that a run records the one that it ran by.
    """
    return {
        "Comment": f"Trains the topic model of stage {stage}",
        "TimeoutSeconds": settings.pipeline_timeout_s,
        "StartAt": "ReadCorpus",
        "States": {
            "ReadCorpus": {
                "Comment": "Refuses a second run at a time, and reads feature_dim from the corpus",
                **_invoke(
                    "BeginFunctionArn",
                    {
                        "execution.$": "$$.Execution.Id",
                        "started.$": "$$.Execution.StartTime",
                        **({"input.$": "$$.Execution.Input"} if retrains else {}),
                    },
                ),
                "ResultPath": "$.run",
                "Catch": _CAUGHT,
                "Next": "Train",
            },
            "Train": {
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
                "Parameters": training_job.request(
                    settings, stage=stage, algorithm=algorithm, placeholders=placeholders
                ),
                "Retry": [JOB_NOT_TAKEN],
                "Catch": _CAUGHT,
                "ResultPath": "$.training",
                "Next": "RecordModel",
            },
            "RecordModel": {
                "Comment": "Writes the candidate, and approves it where the stage's setting says so",
                **_invoke(
                    "RecordFunctionArn",
                    {
                        "run.$": "$.run.value",
                        "training.$": "$.training",
                        "definition_hash": definition_hash,
                        "num_topics": str(settings.hyperparameters.num_topics),
                    },
                ),
                "ResultPath": "$.model",
                "Catch": _CAUGHT,
                "Next": "TellDeploy",
            },
            "TellDeploy": {
                "Comment": "Answers the deploy that waits for this run, where one does",
                **_answer(status="SUCCEEDED"),
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Trained"}],
                "Next": "Trained",
            },
            "Trained": {"Type": "Succeed"},
            "TellDeployOfFailure": {
                **_answer(status="FAILED", failure={"error.$": "$.failure.Error", "cause.$": "$.failure.Cause"}),
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Failed"}],
                "Next": "Failed",
            },
            "Failed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
        },
    }


def _answer(*, status: str, failure: dict[str, str] | None = None) -> dict[str, object]:
    """Return the task that tells how the run ends, in the words of the event of its end."""
    run = {"name.$": "$$.Execution.Name", "input.$": "States.JsonToString($$.Execution.Input)", "status": status}
    return {**_invoke(ANSWER_FUNCTION, {"detail": run | (failure or {})}), "ResultPath": None}


def _invoke(function: str, payload: Mapping[str, object]) -> dict[str, object]:
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"${{{function}}}", "Payload": payload},
        # Lambda's answer comes in an envelope with its HTTP metadata; only the payload is of use.
        "ResultSelector": {"value.$": "$.Payload"},
        "Retry": [FUNCTION_UNAVAILABLE],
    }


class TrainingPipeline(Construct):
    """State machine, its role and its log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: SharedData,
        definition_hash: str,
        training_role: iam.IRole,
        image: RegistryImage,
        begin: lambda_.IFunction,
        record: lambda_.IFunction,
        answer: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        platform, stage = data.platform, data.platform.stage
        placement = platform.placement.substitutions() if platform.placement is not None else {}
        self.role = JobPipelineRole(
            self,
            kind="Training",
            job_name_prefix=job_name_prefix(stage),
            named="A job is named by its run, behind the stage's own prefix.",
            description="The training pipeline: start, watch and stop this stage's training jobs",
            key=data.key,
            reads_tags=True,
            passes=training_role,
        )
        for function in (begin, record, answer):
            self.role.allow("lambda:InvokeFunction", on=[function.function_arn])
        self.state_machine = pipeline_machine(
            self,
            name=pipeline_name(stage),
            comment=f"Trains the topic model of stage {stage}",
            definition=definition(
                settings.training,
                stage=stage,
                algorithm=settings.algorithm,
                definition_hash=definition_hash,
                placeholders=list(placement),
                retrains=settings.retraining is not None,
            ),
            substitutions={
                "TrainingRoleArn": training_role.role_arn,
                "TrainingImage": image.uri,
                "OutputPath": data.artifacts.s3_url_for_object(MODELS_PREFIX.rstrip("/")),
                "KeyArn": data.key.key_arn,
                "BeginFunctionArn": begin.function_arn,
                "RecordFunctionArn": record.function_arn,
                ANSWER_FUNCTION: answer.function_arn,
                **({open_training.CODE_URI: data.code.uri} if data.code is not None else {}),
                **placement,
            },
            role=self.role,
            platform=platform,
            optional=False,
        )
