"""The training job definition, as Step Functions sends it to SageMaker. Pure: placeholders, no constructs.

What varies with the account (roles, buckets, keys, the image) stands as `${Name}` and is substituted by CloudFormation;
what varies with the run (job name, corpus size) is read from the execution.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from stacks.settings import instance_types
from stacks.shared import open_training
from training_scripts.content_types import RECORDIO_PROTOBUF
from training_scripts.hyperparameters import FEATURE_DIM
from training_scripts.ntm_environment import CORPUS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stacks.settings.stage import Algorithm, TrainingSettings

CHANNELS: Final = ("train", "validation", "test", "auxiliary")
AUXILIARY_CONTENT_TYPE: Final = "text/plain"


def request(
    settings: TrainingSettings, *, stage: str, algorithm: Algorithm, placeholders: Sequence[str] = ()
) -> dict[str, object]:
    """Return the parameters of the state that calls CreateTrainingJob.

    `placeholders` names the subnets and security groups of the VPC that it runs in, if it runs in one.
    """
    # Any size does: only the other names are taken, the corpus's own size comes from the run.
    fixed = {name: value for name, value in settings.hyperparameters.for_job(1).items() if name != FEATURE_DIM}
    specification: dict[str, object] = {"TrainingImage": "${TrainingImage}", "TrainingInputMode": "File"}
    channels = [_channel(name, settings) for name in CHANNELS]
    if algorithm == "open":
        specification["MetricDefinitions"] = open_training.metric_definitions()
        fixed |= open_training.hyperparameters(settings.switches)
        channels.append(open_training.code_channel())
    return {
        "TrainingJobName.$": "$.run.value.job_name",
        "RoleArn": "${TrainingRoleArn}",
        "AlgorithmSpecification": specification,
        "HyperParameters": {f"{FEATURE_DIM}.$": "$.run.value.feature_dim", **fixed},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": "${OutputPath}", "KmsKeyId": "${KeyArn}"},
        "ResourceConfig": {
            "InstanceType": settings.instance_type,
            "InstanceCount": settings.instance_count,
            "VolumeSizeInGB": settings.volume_size_gb,
            **instance_types.volume_key(settings.instance_type, "${KeyArn}"),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_runtime_s},
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": settings.instance_count > 1,
        "Environment": {f"{CORPUS_VARIABLE}.$": "$.run.value.corpus_hash"},
        **vpc_config(placeholders),
        "Tags": [{"Key": "topic-model:stage", "Value": stage}],
    }


def vpc_config(placeholders: Sequence[str]) -> dict[str, object]:
    """Return a job's VpcConfig by the names of the placeholders; nothing where there are none."""
    if not placeholders:
        return {}
    return {
        "VpcConfig": {
            "Subnets": [f"${{{name}}}" for name in placeholders if name.startswith("Subnet")],
            "SecurityGroupIds": [f"${{{name}}}" for name in placeholders if name.startswith("SecurityGroup")],
        }
    }


def definition_hash(
    settings: TrainingSettings, *, stage: str, algorithm: Algorithm, image: str, code: str | None
) -> str:
    """Return a name for everything about the job that is not the corpus: a new one means a training is due.

    Where it runs makes no other model of it, so the network is left out. `code` is the hash of an open stage's bundle.
    """
    known: dict[str, object] = {"request": request(settings, stage=stage, algorithm=algorithm), "image": image}
    if code is not None:
        known["code"] = code
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _channel(name: str, settings: TrainingSettings) -> dict[str, object]:
    return {
        "ChannelName": name,
        "ContentType": AUXILIARY_CONTENT_TYPE if name == "auxiliary" else RECORDIO_PROTOBUF,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri.$": f"States.Format('{{}}{name}/', $.run.value.corpus_uri)",
                "S3DataDistributionType": settings.train_distribution if name == "train" else "FullyReplicated",
            }
        },
    }
