"""The batch transform job, as Step Functions sends it to SageMaker. Pure: placeholders, no constructs.

What varies with the account stands as `${Name}` and is substituted by CloudFormation; what varies with the run (job
name, input, output) is read from the execution's input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from training_scripts.content_types import APPLICATION_JSONLINES
from training_scripts.transform_records import INPUT_FILTER, OUTPUT_FILTER

if TYPE_CHECKING:
    from stacks.settings import TransformSettings

TRANSFORM_PREFIX: Final = "transform/"
"""Where in the artifacts bucket runs keep their input and output."""


def request(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the parameters of the state that calls CreateTransformJob."""
    return {
        "TransformJobName.$": "$.job_name",
        "ModelName": "${ModelName}",
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": settings.max_payload_mb,
        "MaxConcurrentTransforms": settings.max_concurrent_transforms,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri.$": "$.input_uri"}},
            "ContentType": APPLICATION_JSONLINES,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath.$": "$.output_uri",
            "Accept": APPLICATION_JSONLINES,
            "AssembleWith": "Line",
            "KmsKeyId": "${KeyArn}",
        },
        # Only the record goes to the model, and only the id comes back with its answer.
        "DataProcessing": {"InputFilter": INPUT_FILTER, "JoinSource": "Input", "OutputFilter": OUTPUT_FILTER},
        "TransformResources": {
            "InstanceType": settings.instance_type,
            "InstanceCount": settings.instance_count,
            "VolumeKmsKeyId": "${KeyArn}",
        },
        "Tags": [{"Key": "topic-model:stage", "Value": stage}],
    }


def definition(settings: TransformSettings, *, stage: str) -> dict[str, object]:
    """Return the pipeline in Amazon States Language; its output says which model and corpus the answers are of."""
    return {
        "Comment": f"Topic vectors of many documents by the approved model of stage {stage}",
        "TimeoutSeconds": settings.max_runtime_s,
        "StartAt": "Transform",
        "States": {
            "Transform": {
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::sagemaker:createTransformJob.sync",
                "Parameters": request(settings, stage=stage),
                "ResultSelector": {
                    "model": "${ModelVersion}",
                    "artifact": "${ArtifactUri}",
                    "corpus": "${CorpusHash}",
                    "started.$": "$.TransformStartTime",
                    "ended.$": "$.TransformEndTime",
                },
                "Retry": [
                    {
                        "ErrorEquals": ["SageMaker.ThrottlingException"],
                        "IntervalSeconds": 5,
                        "MaxAttempts": 3,
                        "BackoffRate": 2,
                        "JitterStrategy": "FULL",
                    }
                ],
                "End": True,
            }
        },
    }
