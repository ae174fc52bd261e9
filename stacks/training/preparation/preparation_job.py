"""The processing job that prepares a corpus on Spark, and its state machine. Pure: placeholders, no constructs.

The corpus's name is its hash, which is known when it is there. So the job writes under its run's own prefix, and a
function publishes what it finds there: every file to `corpora/<hash>/`, the manifest last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.settings import instance_types
from stacks.shared.names import job_name_prefix
from stacks.shared.retries import JOB_NOT_TAKEN
from stacks.training import training_job
from training_scripts.corpus.manifest import SURFACE_FORMS_PATH
from training_scripts.corpus.settings import CHOOSING
from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stacks.settings.preparation import PreparationStep

START_UP_MARGIN_S: Final = 600
"""What a job takes beside its run time: getting instances, downloading image and documents, uploading."""
PUBLISHING_S: Final = 3600
_INPUT: Final = f"{layout.PROCESSING_ROOT}/input"
_OUTPUT: Final = f"{layout.PROCESSING_ROOT}/output"
_FIELDS: Final = ("text_field", "label_field", "id_field", "split_field", "source_name", "licence", "max_rejected")
_SETTINGS: Final = (
    "language", "html", "segmentation", "train_shards", "max_features", "max_df", "min_df", "least_words",
    "repeated_sentences", "validation", "test", "seed",
)  # fmt: skip


def arguments(step: PreparationStep) -> list[str]:
    """Return what `training_scripts.spark.prepare` is told.

    The documents are named as files, since a path is one of the cluster's own HDFS otherwise; what is kept between
    Spark's stages is just that.
    """
    given = [f"file://{_INPUT}/documents", "--output", f"{_OUTPUT}/corpus", "--new-output"]
    given += ["--beside", f"{_OUTPUT}/beside", "--work", f"{layout.PROCESSING_ROOT}/work"]
    for name in _FIELDS:
        if (value := getattr(step, name)) is not None:
            given += [f"--{name.replace('_', '-')}", str(value)]
    # The words' corpus says how texts are read, and in which language they are unless the stage does.
    of_corpus = {*CHOOSING, "html", *({"language"} - step.settings.model_fields_set)} if step.keep_vocabulary else {}
    for name in _SETTINGS:
        if name not in of_corpus:
            given += [f"--{name.replace('_', '-')}", str(getattr(step.settings, name))]
    given += [] if step.settings.lemmas else ["--no-lemmas"]
    given += [] if step.settings.language_stop_words else ["--no-stop-words"]
    given += ["--vocabulary", f"{_INPUT}/{SURFACE_FORMS_PATH}"] if step.keep_vocabulary else []
    return given


def request(step: PreparationStep, *, stage: str, placeholders: Sequence[str] = ()) -> dict[str, object]:
    """Return the parameters of the state that calls CreateProcessingJob.

    `placeholders` names the subnets and security groups of the VPC that it runs in, if it runs in one.
    """
    inputs = [_input("documents", {"S3Uri.$": "$.documents_uri"}), _input("code", {"S3Uri": "${CodeUri}"})]
    if step.keep_vocabulary:
        inputs.append(_input("vocabulary", {"S3Uri": "${VocabularyUri}"}))
    return {
        "ProcessingJobName.$": f"States.Format('{job_name_prefix(stage)}{{}}', $$.Execution.Name)",
        "RoleArn": "${PreparationRoleArn}",
        "AppSpecification": {
            "ImageUri": "${SparkImage}",
            "ContainerEntrypoint": ["smspark-submit", f"{_INPUT}/code/{layout.SPARK_PROGRAM}"],
            "ContainerArguments": arguments(step),
        },
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {
            "KmsKeyId": "${KeyArn}",
            "Outputs": [
                {
                    "OutputName": "run",
                    "S3Output": {
                        "S3Uri.$": "States.Format('${PreparingUri}{}', $$.Execution.Name)",
                        "LocalPath": _OUTPUT,
                        # Every instance uploads what its own tasks have written: together they are the corpus.
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": step.instance_type,
                "InstanceCount": step.instance_count,
                "VolumeSizeInGB": step.volume_size_gb,
                **instance_types.volume_key(step.instance_type, "${KeyArn}"),
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": step.max_runtime_s},
        "NetworkConfig": {
            # Inputs and outputs are SageMaker's to move: the cluster needs no network but its own.
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": step.instance_count > 1,
            **training_job.vpc_config(placeholders),
        },
        "Tags": [{"Key": "topic-model:stage", "Value": stage}],
    }


def definition(step: PreparationStep, *, stage: str, placeholders: Sequence[str] = ()) -> dict[str, object]:
    """Return the pipeline in Amazon States Language; its output names the corpus.

    An execution may be given `{"documents_uri": "s3://…/"}`, which lies under the stage's own prefix of documents.
    """
    return {
        "Comment": f"Prepares a corpus of stage {stage} on Spark",
        "TimeoutSeconds": step.max_runtime_s + START_UP_MARGIN_S + PUBLISHING_S,
        "StartAt": "ChooseInput",
        "States": {
            "ChooseInput": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.documents_uri", "IsPresent": True, "Next": "Prepare"}],
                "Default": "AllDocuments",
            },
            "AllDocuments": {
                "Type": "Pass",
                "Result": {"documents_uri": "${DocumentsUri}"},
                "Next": "Prepare",
            },
            "Prepare": {
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::sagemaker:createProcessingJob.sync",
                "Parameters": request(step, stage=stage, placeholders=placeholders),
                "ResultSelector": {"job.$": "$.ProcessingJobName"},
                "Retry": [JOB_NOT_TAKEN],
                "ResultPath": "$.preparation",
                "Next": "PublishCorpus",
            },
            "PublishCorpus": {
                "Comment": "Copies what is not there yet to the folder of the corpus's hash, the manifest last",
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::lambda:invoke",
                "Parameters": {"FunctionName": "${PublishFunctionArn}", "Payload": {"run.$": "$$.Execution.Name"}},
                "ResultSelector": {"value.$": "$.Payload"},
                "Retry": [
                    {
                        # Whatever it was: what was copied is there, and what was not is copied then.
                        "ErrorEquals": ["States.TaskFailed"],
                        "IntervalSeconds": 5,
                        "MaxAttempts": 3,
                        "BackoffRate": 2,
                        "JitterStrategy": "FULL",
                    }
                ],
                "ResultPath": "$.corpus",
                "Next": "IsPublished",
            },
            "IsPublished": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.corpus.value.published", "BooleanEquals": True, "Next": "Published"}],
                # There is more than the function's time was enough for.
                "Default": "PublishCorpus",
            },
            "Published": {"Type": "Succeed"},
        },
    }


def _input(name: str, place: dict[str, str]) -> dict[str, object]:
    return {
        "InputName": name,
        "S3Input": {
            **place,
            "LocalPath": f"{_INPUT}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }
