"""The batch transform job, as Step Functions sends it to SageMaker. Pure: placeholders, no constructs.

What varies with the account stands as `${Name}` and is substituted by CloudFormation; what varies with the run (job
name, input, output) is read from the execution's input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.serving.transform.transform_records import INPUT_FILTER, OUTPUT_FILTER
from stacks.settings import instance_types
from stacks.shared.bucket_layout import SCHEDULED_PREFIX
from stacks.shared.names import job_name_prefix
from stacks.shared.retries import JOB_NOT_TAKEN
from training_scripts.content_types import APPLICATION_JSONLINES, RECORDIO_PROTOBUF
from training_scripts.corpus.manifest import PARTS

if TYPE_CHECKING:
    from stacks.settings.stage import TransformSettings

TOLD: Final = {"model": "${ModelVersion}", "artifact": "${ArtifactUri}", "corpus": "${CorpusHash}"}
"""What made the answers, in every output."""


def request(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the parameters of the state that transforms JSON Lines with ids."""
    return {
        **_common(settings, stage=stage),
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri.$": "$.input_uri"}},
            "ContentType": APPLICATION_JSONLINES,
            "SplitType": "Line",
        },
        # Only the record goes to the model, and only the id comes back with its answer.
        "DataProcessing": {"InputFilter": INPUT_FILTER, "JoinSource": "Input", "OutputFilter": OUTPUT_FILTER},
    }


def request_by_order(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the parameters of the state whose n-th answer is that of the n-th record: RecordIO, or lines of CSV."""
    return {
        **_common(settings, stage=stage),
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri.$": "$.input_uri"}},
            "ContentType.$": "$.content_type",
            "SplitType.$": "$.split_type",
        },
    }


def _common(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    return {
        "TransformJobName.$": "$.job_name",
        "ModelName": "${ModelName}",
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": settings.max_payload_mb,
        "MaxConcurrentTransforms": settings.max_concurrent_transforms,
        "TransformOutput": {
            "S3OutputPath.$": "$.output_uri",
            "Accept": APPLICATION_JSONLINES,
            "AssembleWith": "Line",
            "KmsKeyId": "${KeyArn}",
        },
        "TransformResources": {
            "InstanceType": settings.instance_type,
            "InstanceCount": settings.instance_count,
            **instance_types.volume_key(settings.instance_type, "${KeyArn}"),
        },
        "Tags": [{"Key": "topic-model:stage", "Value": stage}],
    }


def definition(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the pipeline in Amazon States Language; its output says which model and corpus the answers are of.

    An execution is given `job_name`, `input_uri` and `output_uri`; with `content_type` and `split_type` beside them it
    goes by order. Where the stage has a schedule, one that is given nothing transforms the approved model's own corpus.
    """
    choices: list[dict[str, object]] = [{"Variable": "$.split_type", "IsPresent": True, "Next": "TransformByOrder"}]
    states: dict[str, object] = {
        "Transform": _task(request(settings, stage=stage)),
        "TransformByOrder": _task(request_by_order(settings, stage=stage)),
    }
    if settings.schedule is not None:
        choices.append({"Variable": "$.job_name", "IsPresent": False, "Next": "Parts"})
        states |= _of_the_corpus(settings, stage=stage)
    return {
        "Comment": f"Topic vectors of many documents by the approved model of stage {stage}",
        "TimeoutSeconds": settings.max_runtime_s,
        "StartAt": "ChooseInput",
        "States": {"ChooseInput": {"Type": "Choice", "Choices": choices, "Default": "Transform"}, **states},
    }


def _task(parameters: dict[str, object]) -> dict[str, object]:
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::sagemaker:createTransformJob.sync",
        "Parameters": parameters,
        "ResultSelector": {**TOLD, "started.$": "$.TransformStartTime", "ended.$": "$.TransformEndTime"},
        "Retry": [JOB_NOT_TAKEN],
        "End": True,
    }


def _of_the_corpus(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the states that transform a prepared corpus where it lies, part after part.

    The corpus itself is the manifest: its labels name the documents of each part in the order of their records.
    """
    # The rule names executions by two UUIDs: one of them and the number of the part fill the 63 characters of a name.
    run = "States.ArrayGetItem(States.StringSplit($$.Execution.Name, '_'), 0)"
    return {
        "Parts": {"Type": "Pass", "Result": {"parts": list(PARTS)}, "Next": "TransformCorpus"},
        "TransformCorpus": {
            "Type": "Map",
            "ItemsPath": "$.parts",
            "MaxConcurrency": 1,
            "ItemSelector": {
                "job_name.$": f"States.Format('{job_name_prefix(stage)}{{}}-{{}}', {run}, $$.Map.Item.Index)",
                "input_uri.$": "States.Format('${CorporaUri}${CorpusHash}/{}/', $$.Map.Item.Value)",
                "output_uri.$": f"States.Format('${{ArtifactsUri}}{SCHEDULED_PREFIX}{{}}/{{}}', "
                "$$.Execution.Name, $$.Map.Item.Value)",
                "content_type": RECORDIO_PROTOBUF,
                "split_type": "RecordIO",
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "TransformPart",
                "States": {"TransformPart": _task(request_by_order(settings, stage=stage))},
            },
            "ResultPath": "$.parts",
            "Next": "DescribeCorpus",
        },
        "DescribeCorpus": {
            "Type": "Pass",
            "Parameters": {
                **TOLD,
                "folder.$": f"States.Format('{SCHEDULED_PREFIX}{{}}', $$.Execution.Name)",
                "parts.$": "$.parts",
            },
            "End": True,
        },
    }
