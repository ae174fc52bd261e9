"""The open NTM on Spot instances: interrupted, it goes on after the last whole epoch."""

from __future__ import annotations

import io
import time
from typing import Any

import boto3
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from local_cloud import LocalCloud
from tests.local_cloud.support import root_of
from training_scripts import recordio

pytestmark = [pytest.mark.slow, pytest.mark.local_cloud]

IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/ntm:1"
BUCKET = "spot-ntm"
GROUP = "/aws/sagemaker/TrainingJobs"
NAME = "interrupted-ntm"
EPOCHS = 2000
"""More than are trained before the test stops the job."""


def client(cloud: LocalCloud, service: str) -> Any:
    return boto3.client(service, endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))


def lines(cloud: LocalCloud) -> list[str]:
    """What the job's containers have said so far, one life after the other."""
    logs = client(cloud, "logs")
    try:
        streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{NAME}/")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [
        event["message"]
        for stream in sorted(streams, key=lambda item: item["logStreamName"])
        for event in logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)[
            "events"
        ]
    ]


def wait_for(cloud: LocalCloud, text: str) -> str:
    deadline = time.monotonic() + 180
    while not (found := [line for line in lines(cloud) if text in line]):
        assert time.monotonic() < deadline, lines(cloud)[-5:]
        time.sleep(0.2)
    return found[0]


def test_an_interrupted_ntm_resumes_from_its_checkpoint(cloud: LocalCloud, role: str) -> None:
    s3, sagemaker = client(cloud, "s3"), client(cloud, "sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    packed = io.BytesIO()
    recordio.write_sparse(packed, csr_matrix(np.random.default_rng(1).poisson(0.3, (400, 40)).astype(np.float32)))
    s3.put_object(Bucket=BUCKET, Key="train/part-0.pbr", Body=packed.getvalue())
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/", "S3DataDistributionType": "FullyReplicated"}
    sagemaker.create_training_job(
        TrainingJobName=NAME,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={
            "num_topics": "3", "feature_dim": "40", "mini_batch_size": "50", "epochs": str(EPOCHS),
            "num_patience_epochs": str(EPOCHS + 1),
        },
        InputDataConfig=[{
            "ChannelName": "train", "ContentType": "application/x-recordio-protobuf",
            "DataSource": {"S3DataSource": source},
        }],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/output"},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints"},
    )  # fmt: skip
    wait_for(cloud, "epoch=2,")
    cloud.interrupt(NAME)
    resumed = wait_for(cloud, "resuming after epoch")
    sagemaker.stop_training_job(TrainingJobName=NAME)
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    job = sagemaker.describe_training_job(TrainingJobName=NAME)

    assert int(resumed.split("resuming after epoch ")[1].split(",")[0]) >= 2
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]].count("Interrupted") == 1
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("model.tar.gz")
