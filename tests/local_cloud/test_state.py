"""What survives when a local cloud that was given a folder is stopped and started again."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, LocalCloudError
from tests.local_cloud.hosting import ask
from tests.local_cloud.support import IMAGE, SETTINGS, Account, allow, channel, ended, until

pytestmark = pytest.mark.local_cloud

BUCKET = "kept-bucket"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/kept/variant/AllTraffic",
}


def training(account: Account, name: str, role: str, task: dict[str, str]) -> None:
    account.root("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters=task,
        InputDataConfig=[channel(BUCKET, "train", "FullyReplicated")],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Tags=[{"Key": "team", "Value": "topics"}],
    )


def endpoint(account: Account, role: str) -> None:
    """Make an endpoint of two instances, scaled up from one, whose model and config are gone."""
    sagemaker = account.root("sagemaker")
    data = f"s3://{BUCKET}/model.tar.gz"
    sagemaker.create_model(
        ModelName="kept", ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": data}
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "kept", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="kept", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="kept", EndpointConfigName="kept")
    in_service(sagemaker)
    capacity = {"VariantName": "AllTraffic", "DesiredInstanceCount": 2}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="kept", DesiredWeightsAndCapacities=[capacity])
    in_service(sagemaker)
    sagemaker.delete_model(ModelName="kept")
    sagemaker.delete_endpoint_config(EndpointConfigName="kept")


def deploy_stack(account: Account) -> None:
    stacks = account.root("cloudformation")
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "stack-group"}}
    value = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Group", "ModelPackageGroupArn"]}]}]}
    named = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/kept", "Type": "String", "Value": value}}
    template = {"Resources": {"Group": group, "Named": named}}
    stacks.create_stack(StackName="kept", TemplateBody=json.dumps(template))
    until(lambda: stacks.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")


def create_function(account: Account, role: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event * 2\n")
    functions = account.root("lambda")
    functions.create_function(
        FunctionName="kept", Runtime="python3.13", Role=role, Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    until(lambda: functions.get_function(FunctionName="kept")["Configuration"]["State"] == "Active")


def in_service(sagemaker: Any) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        told = sagemaker.describe_endpoint(EndpointName="kept")
        return told if told["EndpointStatus"] == "InService" else None

    told: dict[str, Any] = until(described)
    return told


def packed_model() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        content = json.dumps({"factor": 5}).encode()
        entry = tarfile.TarInfo("weights.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A state folder that a local cloud has left, and what it said of its endpoint."""
    state = tmp_path_factory.mktemp("kept") / "state"
    with LocalCloud(home=tmp_path_factory.mktemp("first"), settings=SETTINGS, state=state) as cloud:
        account = Account(cloud)
        s3, sagemaker = account.root("s3"), account.root("sagemaker")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="corpus/train/x", Body=b"x")
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=packed_model())
        role = account.role(allow("*"))
        training(account, "done", role, {"factor": "3"})
        ended(sagemaker, "done")
        endpoint(account, role)
        account.root("application-autoscaling").register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=3)
        sagemaker.create_model_package_group(ModelPackageGroupName="group")
        specification = {"Containers": [{"Image": IMAGE}], "SupportedContentTypes": ["text/csv"],
                         "SupportedResponseMIMETypes": ["application/json"]}  # fmt: skip
        sagemaker.create_model_package(ModelPackageGroupName="group", InferenceSpecification=specification)
        deploy_stack(account)
        create_function(account, account.role(allow("*"), service="lambda.amazonaws.com"))
        training(account, "cut", role, {"task": "wait"})
        until(lambda: sagemaker.describe_training_job(TrainingJobName="cut")["SecondaryStatus"] == "Training")
        told = sagemaker.describe_endpoint(EndpointName="kept")
    return state, told


@pytest.fixture(scope="module")
def account(before: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The account of a second local cloud, in another home and on another port, with the first one's state."""
    state, _ = before
    with LocalCloud(home=tmp_path_factory.mktemp("second"), settings=SETTINGS, state=state) as cloud:
        yield Account(cloud)


def test_an_endpoint_is_in_service_again_with_as_many_instances(
    account: Account, before: tuple[Path, dict[str, Any]]
) -> None:
    sagemaker = account.root("sagemaker")
    told = in_service(sagemaker)

    assert ask(account.root("sagemaker-runtime"), "kept")["factor"] == 5
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert told["CreationTime"] == before[1]["CreationTime"]
    (target,) = account.root("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")[
        "ScalableTargets"
    ]
    assert (target["ResourceId"], target["MaxCapacity"]) == (TARGET["ResourceId"], 3)


def test_a_job_that_had_ended_is_described_as_before_and_its_name_stays_taken(account: Account) -> None:
    sagemaker = account.root("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName="done")

    assert (job["TrainingJobStatus"], job["SecondaryStatusTransitions"][-1]["Status"]) == ("Completed", "Completed")
    assert job["FinalMetricDataList"][0]["Value"] == 7.25
    assert sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "topics"}]
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    assert account.root("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    with pytest.raises(ClientError, match="a training job with this name already exists"):
        training(account, "done", job["RoleArn"], {})


def test_a_job_that_was_under_way_has_failed_with_a_reason(account: Account) -> None:
    job = account.root("sagemaker").describe_training_job(TrainingJobName="cut")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "InternalServerError: The local cloud was stopped while the job was in progress."


def test_a_version_number_of_the_registry_is_not_used_twice(account: Account) -> None:
    sagemaker = account.root("sagemaker")
    (version,) = sagemaker.list_model_packages(ModelPackageGroupName="group")["ModelPackageSummaryList"]
    assert version["ModelPackageVersion"] == 1
    sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
    specification = {"Containers": [{"Image": IMAGE}], "SupportedContentTypes": ["text/csv"],
                     "SupportedResponseMIMETypes": ["application/json"]}  # fmt: skip
    second = sagemaker.create_model_package(ModelPackageGroupName="group", InferenceSpecification=specification)

    assert second["ModelPackageArn"].endswith("/2")


def test_a_stack_is_there_and_its_deletion_deletes_what_it_made(account: Account) -> None:
    stacks, sagemaker = account.root("cloudformation"), account.root("sagemaker")
    assert stacks.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert account.root("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "stack-group"
    stacks.delete_stack(StackName="kept")

    def groups() -> list[str]:
        listed = sagemaker.list_model_package_groups(NameContains="stack-group")["ModelPackageGroupSummaryList"]
        return [group["ModelPackageGroupName"] for group in listed]

    until(lambda: not groups())


def test_a_function_can_be_invoked(account: Account) -> None:
    answer = account.root("lambda").invoke(FunctionName="kept", Payload=b"2")

    assert json.load(answer["Payload"]) == 4


def test_a_folder_in_use_is_refused(account: Account, before: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    del account
    with pytest.raises(LocalCloudError, match="is in use by another local cloud"):
        LocalCloud(home=tmp_path, state=before[0]).start()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda state: (state / "local_cloud.json").write_text('{"version": 99}'),
            "is of version 99; this local cloud",
        ),
        (lambda state: (state / "local_cloud.json").write_text("{"), "local_cloud.json cannot be read"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    spoil(state)
    written = (state / "local_cloud.json").read_bytes()

    with pytest.raises(LocalCloudError, match=message):
        LocalCloud(home=tmp_path / "home", state=state).start()
    assert (state / "local_cloud.json").read_bytes() == written


def test_a_file_is_no_folder_for_the_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LocalCloudError, match="cannot hold the state"):
        LocalCloud(home=tmp_path / "home", state=tmp_path / "file").start()
