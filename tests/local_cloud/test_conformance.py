"""docs/conformance.md: current, true of the code, and each operation in it called by a real client."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import local_cloud
from local_cloud import LocalCloud, conformance
from local_cloud.sagemaker.hosting.runtime import REFUSED_HEADERS
from local_cloud.shared.settings import PROJECT_ROOT
from tests.local_cloud import test_processing_jobs as processing_jobs
from tests.local_cloud.hosting import Hosting
from tests.local_cloud.support import IMAGE, Account, ended, root_of, unique, until

pytestmark = pytest.mark.local_cloud

SERVICES = ("sagemaker", "sagemaker-runtime", "application-autoscaling", "s3vectors")
JSON_SERVICES = ("sagemaker", "application-autoscaling", "s3vectors")
"""Those whose requests are members of one JSON object."""
ECHOING = {"_ECHOED", "echoed", "names", "_OF_THE_DEFINITION"}
"""Names of the tuples whose members are only described again."""

Case = tuple[str, str, str]


def declared(service: str) -> Iterator[tuple[str, str, str]]:
    """Yield operation, kind and path of everything that is declared of the service's requests."""
    names, members = conformance.operations()[service]
    for name in names:
        if name in members:
            yield from ((name, "without effect", path) for path in members[name].without_effect)
            yield from ((name, "refused", path) for path in members[name].refused)
            yield from ((name, "only", path) for path in members[name].only)


def at(service: str, operation: str, path: str) -> Any:
    """Return the shape at a path of an operation's request."""
    shape: Any = conformance.service_model(service).operation_model(operation).input_shape
    for name in path.split("."):
        shape = conformance.item(shape).members[name]
    return shape


def nested(service: str, operation: str, path: str, value: Any) -> Any:
    """Return a request that has nothing but the value at the path."""
    shape: Any = conformance.service_model(service).operation_model(operation).input_shape

    def built(shape: Any, names: list[str]) -> Any:
        if not names:
            return value
        if shape.type_name == "list":
            return [built(shape.member, names)]
        return {names[0]: built(shape.members[names[0]], names[1:])}

    return built(shape, path.split("."))


def example(shape: Any) -> Any:
    """Return the simplest value of a shape that is one: an empty list is none."""
    if shape.type_name == "list":
        return [example(shape.member)]
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x"
    return {"structure": {}, "map": {}, "boolean": False, "integer": 1, "timestamp": 1}[shape.type_name]


REFUSED = [
    (service, operation, path)
    for service in JSON_SERVICES
    for operation, kind, path in declared(service)
    if kind == "refused"
]
ONLY = [
    (service, operation, path)
    for service in JSON_SERVICES
    for operation, kind, path in declared(service)
    if kind == "only"
]


@pytest.fixture(scope="module")
def unchecked(cloud: LocalCloud) -> Callable[[str], Any]:
    """Return what makes clients that send whatever they are given."""

    @functools.cache
    def made(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud),
            config=Config(parameter_validation=False, retries={"max_attempts": 0}),
        )  # fmt: skip

    return made


def test_the_page_is_current() -> None:
    told = (PROJECT_ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")

    assert told == conformance.page(), "run `python -m local_cloud.conformance > docs/conformance.md`"


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_declared_is_in_botocores_model(service: str) -> None:
    for operation, _, path in declared(service):
        assert at(service, operation, path) is not None


@pytest.mark.parametrize("service", JSON_SERVICES)
def test_the_code_reads_every_parameter_that_is_honoured(service: str) -> None:
    read = set(strings_read())
    by_declaration = {path for name, kind, path in declared(service) if kind == "only"}
    unread = [
        f"{row.operation}: {path}"
        for row in conformance.rows(service)
        for path in row.honoured
        if path not in by_declaration and path.rpartition(".")[2] not in read
    ]
    assert unread == []


def strings_read() -> Iterator[str]:
    """Yield every string of the services' code, but for the declarations and for what is only described again."""
    root = Path(local_cloud.__file__).parent
    for file in (file for part in ("sagemaker", "autoscaling", "s3vectors") for file in (root / part).rglob("*.py")):
        if file.name != "members.py":
            yield from _strings(ast.parse(file.read_text(encoding="utf-8")))


def _strings(node: ast.AST) -> Iterator[str]:
    if (
        isinstance(node, ast.Assign)
        and {target.id for target in node.targets if isinstance(target, ast.Name)} & ECHOING
    ):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        # f"{kind}After": what is put together of parts.
        yield from (
            f"{time}{ending}" for time in ("CreationTime", "LastModifiedTime") for ending in ("After", "Before")
        )
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


@pytest.mark.parametrize("case", REFUSED, ids=".".join)
def test_a_refused_parameter_is_refused_by_name(unchecked: Callable[[str], Any], case: Case) -> None:
    service, operation, path = case
    request = nested(service, operation, path, example(at(service, operation, path)))

    with pytest.raises(ClientError, match=f"{path} is not emulated by the local cloud"):
        unchecked(service)._make_api_call(operation, request)


@pytest.mark.parametrize("case", ONLY, ids=".".join)
def test_a_value_that_is_not_emulated_is_refused_with_those_that_are(
    unchecked: Callable[[str], Any], case: Case
) -> None:
    service, operation, path = case
    allowed = conformance.operations()[service][1][operation].only[path]
    other = next((value for value in at(service, operation, path).enum if value not in allowed), "another")

    with pytest.raises(ClientError, match=f"{path} {other} is not emulated by the local cloud; {allowed[0]}"):
        unchecked(service)._make_api_call(operation, nested(service, operation, path, other))


def test_the_runtimes_refused_parameters_are_refused_in_their_headers(runtime: Any, hosting: Hosting) -> None:
    members = conformance.service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape.members
    sent = {members[name].serialization["name"].lower(): name for name in REFUSED_HEADERS.values()}  # type: ignore[attr-defined]
    name = hosting.endpoint()

    assert sent == REFUSED_HEADERS
    assert set(REFUSED_HEADERS.values()) == set(
        conformance.operations()["sagemaker-runtime"][1]["InvokeEndpoint"].refused
    )
    for member in REFUSED_HEADERS.values():
        with pytest.raises(ClientError, match=f"{member} is not emulated by the local cloud"):
            runtime.invoke_endpoint(EndpointName=name, Body=b"1", **{member: "x"})


def test_every_operation_answers_a_real_client(
    cloud: LocalCloud,
    bucket: str,
    job_role: str,
    model_data: Callable[[int], str],
    request_for: Callable[..., dict[str, Any]],
) -> None:
    account = Account(cloud)
    sagemaker, runtime = account.root("sagemaker"), account.root("sagemaker-runtime")
    scaling = account.root("application-autoscaling")
    answered: dict[str, set[str]] = {service: set() for service in SERVICES}
    for service in SERVICES:
        account.root(service).meta.events.register(
            "after-call", lambda model, http_response, known=answered[service], **_: (
                known.add(model.name) if http_response.status_code == 200 else None
            )
        )  # fmt: skip

    train(sagemaker, request_for)
    tune(sagemaker, request_for)
    host(sagemaker, runtime, scaling, job_role, model_data(1))
    transform(account, sagemaker, bucket, job_role, model_data(1))
    process(sagemaker, bucket, job_role)
    register(sagemaker)
    search(account.root("s3vectors"))

    for service in SERVICES:
        assert answered[service] == set(conformance.operations()[service][0])


def train(sagemaker: Any, request_for: Callable[..., dict[str, Any]]) -> None:
    request = request_for({"task": "wait"})
    name = request["TrainingJobName"]
    arn = sagemaker.create_training_job(**request)["TrainingJobArn"]
    sagemaker.stop_training_job(TrainingJobName=name)
    ended(sagemaker, name)
    sagemaker.list_training_jobs(NameContains=name)
    by_name = {"Filters": [{"Name": "TrainingJobName", "Operator": "Equals", "Value": name}]}
    found = sagemaker.search(Resource="TrainingJob", SearchExpression=by_name)["Results"]
    assert [item["TrainingJob"]["TrainingJobName"] for item in found] == [name]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.list_tags(ResourceArn=arn)
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])


def tune(sagemaker: Any, request_for: Callable[..., dict[str, Any]]) -> None:
    name, job = unique("tune"), request_for()
    kept = ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
    metric = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["1"]}]},
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"task": "wait", "loss": "1"},
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [metric],
            },
            **{member: job[member] for member in kept},
        },
    )  # fmt: skip

    def status() -> str:
        told = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return str(told["HyperParameterTuningJobStatus"])

    sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    until(lambda: status() == "Stopped")
    sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def host(sagemaker: Any, runtime: Any, scaling: Any, role: str, data: str) -> None:
    name = unique("hosted")
    container = {"Image": IMAGE, "ModelDataUrl": data}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    sagemaker.describe_model(ModelName=name)
    sagemaker.list_models(NameContains=name)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.describe_endpoint_config(EndpointConfigName=name)
    sagemaker.list_endpoint_configs(NameContains=name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def settle() -> None:
        until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")

    settle()
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredWeight": 2.0}]
    )
    settle()
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    settle()
    runtime.invoke_endpoint(EndpointName=name, Body=b"1", ContentType="text/csv")
    scale(scaling, f"endpoint/{name}/variant/v")
    sagemaker.list_endpoints(NameContains=name)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)


def scale(scaling: Any, resource: str) -> None:
    namespace = {"ServiceNamespace": "sagemaker"}
    target = {
        **namespace, "ResourceId": resource, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }  # fmt: skip
    arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 1000.0, "PredefinedMetricSpecification": metric},
    )
    scaling.describe_scalable_targets(**namespace)
    scaling.describe_scaling_policies(**namespace)
    scaling.describe_scaling_activities(**namespace)
    scaling.tag_resource(ResourceARN=arn, Tags={"a": "b"})
    scaling.list_tags_for_resource(ResourceARN=arn)
    scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    scaling.delete_scaling_policy(**target, PolicyName="p")
    action = {
        "ScheduledActionName": "down",
        "Schedule": "cron(0 19 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 1},
    }
    scaling.put_scheduled_action(**target, **action)
    scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")
    scaling.delete_scheduled_action(**target, ScheduledActionName="down")
    scaling.deregister_scalable_target(**target)


def transform(account: Account, sagemaker: Any, bucket: str, role: str, data: str) -> None:
    name = unique("transform")
    account.root("s3").put_object(Bucket=bucket, Key=f"{name}/rows.csv", Body=b"sleep 5\n")
    container = {"Image": IMAGE, "ModelDataUrl": data}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/"}}
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{bucket}/{name}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    sagemaker.stop_transform_job(TransformJobName=name)
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped")
    sagemaker.list_transform_jobs(NameContains=name)
    sagemaker.delete_model(ModelName=name)


def process(sagemaker: Any, bucket: str, role: str) -> None:
    request = processing_jobs.request(bucket, role, "wait")
    name = request["ProcessingJobName"]
    sagemaker.create_processing_job(**request)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    until(lambda: sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped")
    sagemaker.list_processing_jobs(NameContains=name)


def register(sagemaker: Any) -> None:
    name = unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    sagemaker.list_model_package_groups(NameContains=name)
    specification = {"Containers": [{"Image": IMAGE}], "SupportedContentTypes": ["text/csv"],
                     "SupportedResponseMIMETypes": ["application/json"]}  # fmt: skip
    arn = sagemaker.create_model_package(ModelPackageGroupName=name, InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    sagemaker.describe_model_package(ModelPackageName=arn)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.list_model_packages(ModelPackageGroupName=name)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def search(vectors: Any) -> None:
    name = unique("vectors")
    bucket = {"vectorBucketName": name}
    index = {**bucket, "indexName": "index"}
    vectors.create_vector_bucket(**bucket)
    vectors.get_vector_bucket(**bucket)
    vectors.create_index(**index, dataType="float32", dimension=1, distanceMetric="cosine")
    vectors.get_index(**index)
    vectors.put_vectors(**index, vectors=[{"key": "a", "data": {"float32": [1.0]}}])
    vectors.get_vectors(**index, keys=["a"])
    vectors.list_vectors(**index)
    vectors.query_vectors(**index, topK=1, queryVector={"float32": [1.0]})
    vectors.delete_vectors(**index, keys=["a"])
    vectors.delete_index(**index)
    vectors.delete_vector_bucket(**bucket)
