"""One emulator for all tests of this folder."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_cloud import LocalCloud
from tests.local_cloud.hosting import Hosting
from tests.local_cloud.support import IMAGE, SETTINGS, Account, allow, channel, unique


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(home=tmp_path_factory.mktemp("cloud"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def account(cloud: LocalCloud) -> Account:
    return Account(cloud)


@pytest.fixture(scope="session")
def sagemaker(account: Account) -> Any:
    return account.root("sagemaker")


@pytest.fixture(scope="session")
def runtime(account: Account) -> Any:
    return account.root("sagemaker-runtime")


@pytest.fixture(scope="session")
def bucket(account: Account) -> str:
    s3, name = account.root("s3"), "topic-bucket"
    s3.create_bucket(Bucket=name)
    for number in range(4):
        s3.put_object(Bucket=name, Key=f"corpus/train/part-{number}", Body=f"shard {number}\n".encode())
    s3.put_object(Bucket=name, Key="corpus/test/part-0", Body=b"test\n")
    return name


@pytest.fixture(scope="session")
def job_role(account: Account, bucket: str) -> str:
    return account.role(
        allow("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*"),
        allow("s3:ListBucket", resource=f"arn:aws:s3:::{bucket}"),
        allow("logs:CreateLogStream", "logs:PutLogEvents"),
    )


@pytest.fixture(scope="session")
def model_data(account: Account, bucket: str) -> Callable[[int], str]:
    """Store a model of the stand-in server and return its URL."""

    def stored(factor: int) -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            content = json.dumps({"factor": factor}).encode()
            entry = tarfile.TarInfo("weights.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        account.root("s3").put_object(Bucket=bucket, Key=f"models/{factor}/model.tar.gz", Body=packed.getvalue())
        return f"s3://{bucket}/models/{factor}/model.tar.gz"

    return stored


@pytest.fixture
def hosting(sagemaker: Any, job_role: str, model_data: Callable[[int], str]) -> Iterator[Hosting]:
    made = Hosting(sagemaker, job_role, model_data)
    yield made
    made.clean()


@pytest.fixture(scope="session")
def request_for(bucket: str, job_role: str) -> Callable[..., dict[str, Any]]:
    """Return a CreateTrainingJob request; hyperparameters are keywords of `task`."""

    def made(task: dict[str, str] | None = None, instances: int = 1, **changes: Any) -> dict[str, Any]:
        return {
            "TrainingJobName": unique("job"),
            "RoleArn": job_role,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": task or {},
            "InputDataConfig": [
                channel(bucket, "train", "ShardedByS3Key"),
                channel(bucket, "test", "FullyReplicated"),
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/output"},
            "ResourceConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": instances, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **changes,
        }

    return made
