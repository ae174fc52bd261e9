"""Every row of `docs/aws-refusals.md`, provoked with the real client. A case has the name of its row."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.shared import refusals
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.local_cloud.hosting import Hosting
from tests.local_cloud.support import IMAGE, Account, allow, channel, ended, unique, until

pytestmark = pytest.mark.local_cloud
ROOT = Path(__file__).parents[2]
REAL_NTM = "382416733822.dkr.ecr.us-east-1.amazonaws.com/ntm:1"
DIMENSION = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
QUEUE = {"Type": "AWS::SQS::Queue"}
CASES: dict[str, Callable[[World], object]] = {}


class World:
    """What the cases do their requests with."""

    def __init__(
        self, account: Account, hosting: Hosting, request_for: Callable[..., dict[str, Any]], bucket: str
    ) -> None:
        self.account, self.hosting, self.request_for, self.bucket = account, hosting, request_for, bucket
        self.sagemaker = account.root("sagemaker")
        self.scaling = account.root("application-autoscaling")
        self.functions, self.states = account.root("lambda"), account.root("stepfunctions")
        self.stacks = account.root("cloudformation")

    def train(self, task: dict[str, str] | None = None, **changes: Any) -> Any:
        return self.sagemaker.create_training_job(**self.request_for(task, **changes))

    def resources(self, **more: Any) -> dict[str, Any]:
        return {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1, **more}

    @cached_property
    def role(self) -> str:
        return str(self.request_for()["RoleArn"])

    def config(self, *variants: dict[str, Any], **more: Any) -> Any:
        model = self.hosting.config()
        given = [{"VariantName": "AllTraffic", "ModelName": model, **variant} for variant in variants]
        return self.sagemaker.create_endpoint_config(EndpointConfigName=unique("c"), ProductionVariants=given, **more)

    def update(self, deployment: dict[str, Any] | None = None, count: int = 1, **changes: Any) -> Any:
        endpoint = self.hosting.endpoint(count=count)
        config = self.hosting.config(2, count, **changes)
        more = {} if deployment is None else {"DeploymentConfig": deployment}
        return self.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)

    def target(self, endpoint: str, **changes: Any) -> Any:
        request = {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic", "MinCapacity": 1, "MaxCapacity": 2}
        return self.scaling.register_scalable_target(**DIMENSION, **{**request, **changes})

    def policy(self, endpoint: str, name: str = "p", value: float = 5) -> Any:
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        return self.scaling.put_scaling_policy(
            **DIMENSION, PolicyName=name, ResourceId=f"endpoint/{endpoint}/variant/AllTraffic",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={"TargetValue": value, "PredefinedMetricSpecification": metric},
        )  # fmt: skip

    def failure(self, task: dict[str, str]) -> str:
        """Return why a job of the built-in NTM failed."""
        specification = {"TrainingImage": REAL_NTM, "TrainingInputMode": "File"}
        name = str(self.train(task, AlgorithmSpecification=specification)["TrainingJobArn"]).rpartition("/")[2]
        return str(ended(self.sagemaker, name)["FailureReason"])

    @cached_property
    def subnet(self) -> str:
        return str(self.account.root("ec2").describe_subnets()["Subnets"][0]["SubnetId"])

    def function(
        self, name: str = "", trust: str = "lambda.amazonaws.com", answer: str = "1", *rights: str, **more: Any
    ) -> str:
        packed, name = io.BytesIO(), name or unique("function")
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", f"def handler(event, context): return {answer}")
        self.functions.create_function(
            FunctionName=name, Runtime="python3.13", Handler="index.handler", Code={"ZipFile": packed.getvalue()},
            Role=self.account.role(*map(allow, rights), service=trust), **more,
        )  # fmt: skip
        return name

    def invoke(self, payload: bytes = b"{}", **more: Any) -> Any:
        name = self.function(**more)
        until(lambda: self.functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
        return self.functions.invoke(FunctionName=name, Payload=payload)

    def machine(self, definition: Any = PASS, name: str = "", trust: str = "states.amazonaws.com", **more: Any) -> str:
        text = definition if isinstance(definition, str) else json.dumps(definition)
        role = self.account.role(service=trust)
        made = self.states.create_state_machine(name=name or unique("m"), definition=text, roleArn=role, **more)
        return str(made["stateMachineArn"])

    def logging(self, group: str) -> dict[str, Any]:
        destination = {
            "cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"}
        }
        return {"loggingConfiguration": {"level": "ALL", "destinations": [destination]}}

    def endpoint(self, **more: Any) -> Any:
        ec2 = self.account.root("ec2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        return ec2.create_vpc_endpoint(**{"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.s3", **more})

    def stack(self, resources: Any = None, name: str = "", **sections: Any) -> str:
        name, template = name or unique("stack"), {"Resources": resources or {"Q": QUEUE}, **sections}
        self.stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
        self.settled(name)
        return name

    def settled(self, name: str) -> None:
        until(lambda: not self._status(name).endswith("_IN_PROGRESS"))

    def _status(self, name: str) -> str:
        return str(self.stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def change(self, name: str, resources: Any = None, **sections: Any) -> Any:
        template = {"Resources": resources or {"Q": QUEUE}, **sections}
        return self.stacks.update_stack(StackName=name, TemplateBody=json.dumps(template))

    def reasons(self, name: str) -> str:
        """Return what a stack's events tell of failures, when it has settled."""
        self.settled(name)
        told = self.stacks.describe_stack_events(StackName=name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in told)

    def exporting(self, name: str, value: str = "one") -> dict[str, Any]:
        return {"Outputs": {"O": {"Value": value, "Export": {"Name": name}}}}

    def imported(self) -> tuple[str, str]:
        """Make a stack and another one that imports its export; return the stack's name and the export's."""
        name = unique("export")
        stack = self.stack(**self.exporting(name))
        value = {"Type": "String", "Value": {"Fn::ImportValue": name}}
        self.stack({"P": {"Type": "AWS::SSM::Parameter", "Properties": value}})
        return stack, name


def case(function: Callable[[World], object]) -> Callable[[World], object]:
    """Take a function as the case of the row that has its name, in capitals."""
    CASES[function.__name__.upper()] = function
    return function


def share(member: str, value: int) -> dict[str, Any]:
    return {member: {"Type": "CAPACITY_PERCENT", "Value": value}}


def blue_green(kind: str = "ALL_AT_ONCE", wait_s: int = 0, timeout_s: int = 3600, **more: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait_s, **more}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing, "MaximumExecutionTimeoutInSeconds": timeout_s,
        }
    }  # fmt: skip


ROLLING = {"RollingUpdatePolicy": {**share("MaximumBatchSize", 50), "WaitIntervalInSeconds": 0}}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
ON_ONE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@case
def model_constraint(world: World) -> None:
    world.train(OutputDataConfig={"S3OutputPath": "nowhere"})


@case
def role_not_assumable(world: World) -> None:
    world.train(RoleArn=world.account.role(service="lambda.amazonaws.com"))


@case
def role_not_passed(world: World) -> None:
    client = world.account.user(allow("sagemaker:*"))("sagemaker")
    client.create_training_job(**world.request_for())


@case
def too_many_tags(world: World) -> None:
    arn = world.train()["TrainingJobArn"]
    for start in (0, 30):
        tags = [{"Key": f"k{number}", "Value": "v"} for number in range(start, start + 30)]
        world.sagemaker.add_tags(ResourceArn=arn, Tags=tags)


@case
def over_quota(world: World) -> None:
    world.train(ResourceConfig=world.resources(InstanceCount=50))


@case
def no_image_uri(world: World) -> None:
    world.train(AlgorithmSpecification={"TrainingImage": "ntm", "TrainingInputMode": "File"})


@case
def no_repository(world: World) -> None:
    image = IMAGE.replace("us-east-1", "eu-west-1")
    world.train(AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"})


@case
def job_name_taken(world: World) -> None:
    name = unique("job")
    for _ in range(2):
        world.train(TrainingJobName=name)


@case
def job_ended(world: World) -> None:
    name = unique("job")
    world.train(TrainingJobName=name)
    described = world.sagemaker.describe_training_job
    until(lambda: described(TrainingJobName=name)["TrainingJobStatus"] != "InProgress")
    world.sagemaker.stop_training_job(TrainingJobName=name)


@case
def job_missing(world: World) -> None:
    world.sagemaker.describe_training_job(TrainingJobName="none")


@case
def no_input(world: World) -> None:
    world.train(InputDataConfig=[channel(world.bucket, "nowhere", "FullyReplicated")])


@case
def duplicate_channel(world: World) -> None:
    world.train(InputDataConfig=[channel(world.bucket, "train", "FullyReplicated")] * 2)


@case
def metrics_of_a_built_in(world: World) -> None:
    definitions = [{"Name": "loss", "Regex": "loss=(.*)"}]
    world.train(AlgorithmSpecification={
        "TrainingImage": REAL_NTM, "TrainingInputMode": "File", "MetricDefinitions": definitions,
    })  # fmt: skip


@case
def runtime_too_long(world: World) -> None:
    world.train(StoppingCondition={"MaxRuntimeInSeconds": 28 * 86_400 + 1})


@case
def network_missing(world: World) -> None:
    world.train(VpcConfig={"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]})


@case
def hyperparameters_not_allowed(world: World) -> str:
    return world.failure({"num_topics": "5", "feature_dim": "10", "unigram_bias": "true"})


@case
def hyperparameter(world: World) -> str:
    return world.failure({"num_topics": "5", "feature_dim": "10", "topics": "5"})


@case
def wait_without_spot(world: World) -> None:
    world.train(StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60})


@case
def wait_below_runtime(world: World) -> None:
    condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}
    world.train(EnableManagedSpotTraining=True, StoppingCondition=condition)


@case
def wait_too_long(world: World) -> None:
    world.train(
        AlgorithmSpecification={"TrainingImage": REAL_NTM, "TrainingInputMode": "File"}, EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 3601},
    )  # fmt: skip


@case
def volume_key_on_local_disk(world: World) -> None:
    world.train(ResourceConfig=world.resources(InstanceType="ml.g4dn.xlarge", VolumeKmsKeyId="key"))


def transform(world: World, instance_type: str = "ml.m5.large", key: str | None = None, **more: Any) -> None:
    resources = {"InstanceType": instance_type, "InstanceCount": 1, **({} if key is None else {"VolumeKmsKeyId": key})}
    world.sagemaker.create_transform_job(
        TransformJobName=unique("t"), ModelName=world.hosting.config(), TransformResources=resources,
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}}},
        TransformOutput={"S3OutputPath": "s3://b/out"}, **more,
    )  # fmt: skip


def processing(world: World, instance_type: str) -> None:
    cluster = world.resources(InstanceType=instance_type, VolumeKmsKeyId="key")
    world.sagemaker.create_processing_job(
        ProcessingJobName=unique("p"), ProcessingResources={"ClusterConfig": cluster}, RoleArn=world.role,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["run"]},
    )  # fmt: skip


@case
def payload_times_concurrency(world: World) -> None:
    transform(world, MaxPayloadInMB=60, MaxConcurrentTransforms=2)


@case
def no_payload_limit(world: World) -> None:
    transform(world, MaxPayloadInMB=0)


@case
def model_exists(world: World) -> None:
    name = world.hosting.config()
    container = world.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    world.sagemaker.create_model(ModelName=name, ExecutionRoleArn=world.role, PrimaryContainer=container)


@case
def model_missing(world: World) -> None:
    world.sagemaker.describe_model(ModelName="none")


@case
def no_model_data(world: World) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{world.bucket}/none/model.tar.gz"}
    world.sagemaker.create_model(ModelName=unique("m"), ExecutionRoleArn=world.role, PrimaryContainer=container)


@case
def config_exists(world: World) -> None:
    name = world.hosting.config()
    variant = {"VariantName": "AllTraffic", "ModelName": name, **ON_ONE}
    world.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


@case
def config_missing(world: World) -> None:
    world.sagemaker.create_endpoint(EndpointName=unique("e"), EndpointConfigName="none")


@case
def variants_of_one_name(world: World) -> None:
    world.config(ON_ONE, ON_ONE)


@case
def host_key_on_local_disk(world: World) -> None:
    world.config({**ON_ONE, "InstanceType": "ml.m5d.large"}, KmsKeyId="key")


@case
def serverless_memory(world: World) -> None:
    world.config({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 2}})


@case
def serverless_provisioned(world: World) -> None:
    world.config({"ServerlessConfig": {**SERVERLESS["ServerlessConfig"], "ProvisionedConcurrency": 3}})


@case
def serverless_instances(world: World) -> None:
    world.config({**SERVERLESS, **ON_ONE})


@case
def serverless_lacks(world: World) -> None:
    world.config(SERVERLESS, KmsKeyId="key")


@case
def serverless_count(world: World) -> None:
    name = world.hosting.endpoint(variant=SERVERLESS)
    world.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )


@case
def kind_of_host_changed(world: World) -> None:
    world.update(variant=SERVERLESS)


@case
def scaled_variant_changed(world: World) -> None:
    endpoint = world.hosting.endpoint()
    world.target(endpoint)
    config = world.hosting.config(2, variant={**ON_ONE, "InstanceType": "ml.c5.large"})
    world.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


@case
def endpoint_exists(world: World) -> None:
    name = world.hosting.endpoint()
    world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=world.hosting.config())


@case
def endpoint_missing(world: World) -> None:
    world.sagemaker.describe_endpoint(EndpointName="none")


@case
def endpoint_busy(world: World) -> None:
    name = world.hosting.endpoint()
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=world.hosting.config(2))
    world.sagemaker.delete_endpoint(EndpointName=name)


@case
def endpoint_failed(world: World) -> None:
    name, config = unique("e"), world.hosting.config(count=50)
    world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert world.hosting.settled(name)["EndpointStatus"] == "Failed"
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)


@case
def unknown_variant(world: World) -> None:
    wanted = [{"VariantName": "Other", "DesiredWeight": 1.0}]
    world.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=world.hosting.endpoint(), DesiredWeightsAndCapacities=wanted
    )


@case
def two_rollout_policies(world: World) -> None:
    world.update({**blue_green(), **ROLLING})


@case
def rolling_serverless(world: World) -> None:
    endpoint = world.hosting.endpoint(variant=SERVERLESS)
    config = world.hosting.config(2, variant=SERVERLESS)
    world.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=ROLLING)


@case
def variants_change(world: World) -> None:
    world.update(blue_green(), variant={**ON_ONE, "VariantName": "Other"})


@case
def alarms_missing(world: World) -> None:
    world.update({**blue_green(), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}})


@case
def capacity_missing(world: World) -> None:
    world.update(blue_green("CANARY"))


@case
def capacity_share(world: World) -> None:
    world.update(blue_green("CANARY", **share("CanarySize", 60)), count=2)


@case
def rollout_out_of_time(world: World) -> None:
    world.update(blue_green("LINEAR", wait_s=400, **share("LinearStepSize", 10)))


@case
def target_unknown_variant(world: World) -> None:
    name = world.hosting.endpoint()
    world.target(name, ResourceId=f"endpoint/{name}/variant/Other")


@case
def target_serverless(world: World) -> None:
    world.target(world.hosting.endpoint(variant=SERVERLESS))


@case
def target_burstable(world: World) -> None:
    world.target(world.hosting.endpoint(variant={**ON_ONE, "InstanceType": "ml.t2.medium"}))


@case
def target_without_bounds(world: World) -> None:
    resource = f"endpoint/{world.hosting.endpoint()}/variant/AllTraffic"
    world.scaling.register_scalable_target(**DIMENSION, ResourceId=resource, MinCapacity=1)


@case
def target_minimum(world: World) -> None:
    world.target(world.hosting.endpoint(), MinCapacity=0)


@case
def target_bounds(world: World) -> None:
    world.target(world.hosting.endpoint(), MinCapacity=3)


@case
def target_tagged_again(world: World) -> None:
    name = world.hosting.endpoint()
    for _ in range(2):
        world.target(name, Tags={"a": "b"})


@case
def target_resource(world: World) -> None:
    world.target("e", ResourceId="endpoint/e")


@case
def target_missing(world: World) -> None:
    world.policy(world.hosting.endpoint())


@case
def policy_missing(world: World) -> None:
    world.scaling.delete_scaling_policy(**DIMENSION, PolicyName="p", ResourceId="endpoint/e/variant/v")


@case
def second_policy(world: World) -> None:
    name = world.hosting.endpoint()
    world.target(name)
    for policy in ("one", "two"):
        world.policy(name, policy)


@case
def target_value(world: World) -> None:
    name = world.hosting.endpoint()
    world.target(name)
    world.policy(name, value=0)


@case
def function_constraint(world: World) -> None:
    world.function(Environment={"Variables": {"1": "starts with a digit"}})


@case
def function_timeout(world: World) -> None:
    world.function(Timeout=901)


@case
def environment_too_large(world: World) -> None:
    world.function(Environment={"Variables": {"LONG": "x" * 4096}})


@case
def environment_reserved(world: World) -> None:
    world.function(Environment={"Variables": {"AWS_REGION": "eu-west-1"}})


@case
def function_role_not_assumable(world: World) -> None:
    world.function(trust="states.amazonaws.com")


@case
def function_network_missing(world: World) -> None:
    world.function(VpcConfig={"SubnetIds": [world.subnet], "SecurityGroupIds": ["sg-0123456789abcdef0"]})


@case
def function_without_interfaces(world: World) -> None:
    [group, *_] = world.account.root("ec2").describe_security_groups()["SecurityGroups"]
    world.function(VpcConfig={"SubnetIds": [world.subnet], "SecurityGroupIds": [group["GroupId"]]})


@case
def request_too_large(world: World) -> None:
    world.invoke(b'"' + b"a" * 6 * 1024 * 1024 + b'"')


@case
def answer_too_large(world: World) -> None:
    told = json.load(world.invoke(answer="'a' * 7_000_000")["Payload"])
    raise ClientError({"Error": {"Code": told["errorType"], "Message": told["errorMessage"]}}, "Invoke")


@case
def too_little_unreserved(world: World) -> None:
    world.functions.put_function_concurrency(FunctionName=world.function(), ReservedConcurrentExecutions=901)


@case
def snapstart_storage(world: World) -> None:
    world.function(SnapStart={"ApplyOn": "PublishedVersions"}, EphemeralStorage={"Size": 1024})


@case
def provisioned_of_latest(world: World) -> None:
    world.functions.put_provisioned_concurrency_config(
        FunctionName=world.function(), Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
    )


@case
def provisioned_with_snapstart(world: World) -> None:
    name = world.function(SnapStart={"ApplyOn": "PublishedVersions"}, Publish=True)
    world.functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    world.functions.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1
    )


@case
def alias_of_no_version(world: World) -> None:
    world.functions.create_alias(FunctionName=world.function(), Name="live", FunctionVersion="77")


@case
def function_exists(world: World) -> None:
    world.function(world.function())


@case
def url_exists(world: World) -> None:
    name = world.function()
    for _ in range(2):
        world.functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")


@case
def url_of_no_alias(world: World) -> None:
    world.functions.create_function_url_config(FunctionName=world.function(), Qualifier="none", AuthType="AWS_IAM")


@case
def permission_exists(world: World) -> None:
    name = world.function()
    for _ in range(2):
        world.functions.add_permission(
            FunctionName=name, StatementId="one", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
        )


@case
def bad_definition(world: World) -> None:
    world.machine({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}})


@case
def machine_name(world: World) -> None:
    world.machine(name="with a space")


@case
def machine_exists(world: World) -> None:
    name = unique("m")
    world.machine(name=name)
    world.machine({**PASS, "Comment": "another"}, name)


@case
def bad_execution_input(world: World) -> None:
    world.states.start_execution(stateMachineArn=world.machine(), input=json.dumps("x" * 262_144))


@case
def execution_name_taken(world: World) -> None:
    arn = world.machine()
    world.states.start_execution(stateMachineArn=arn, name="one", input="{}")
    until(lambda: world.states.list_executions(stateMachineArn=arn)["executions"][0]["status"] == "SUCCEEDED")
    world.states.start_execution(stateMachineArn=arn, name="one", input='{"other": 1}')


@case
def logging_configuration(world: World) -> None:
    world.machine(**world.logging(f"{unique('group')}:*"))


@case
def logging_not_allowed(world: World) -> None:
    group = unique("group")
    world.account.root("logs").create_log_group(logGroupName=group)
    world.machine(**world.logging(f"{group}:*"))


@case
def machine_role_not_assumable(world: World) -> None:
    world.machine(trust="lambda.amazonaws.com")


@case
def vpc_missing(world: World) -> None:
    world.endpoint(VpcId="vpc-0123456789abcdef0")


@case
def subnet_missing(world: World) -> None:
    world.endpoint(VpcEndpointType="Interface", SubnetIds=["subnet-0123456789abcdef0"])


@case
def group_missing(world: World) -> None:
    world.endpoint(VpcEndpointType="Interface", SecurityGroupIds=["sg-0123456789abcdef0"])


@case
def route_table_missing(world: World) -> None:
    world.endpoint(RouteTableIds=["rtb-0123456789abcdef0"])


@case
def machine_missing(world: World) -> None:
    world.states.start_execution(stateMachineArn=world.machine() + "x")


@case
def no_updates(world: World) -> None:
    world.change(world.stack())


@case
def stack_exists(world: World) -> None:
    world.stack(name=world.stack())


@case
def stack_rolled_back(world: World) -> None:
    properties = {"EndpointConfigName": "none"}
    world.change(world.stack({"E": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}))


@case
def nothing_to_continue(world: World) -> None:
    world.stacks.continue_update_rollback(StackName=world.stack())


@case
def template_too_large(world: World) -> None:
    world.stack(Metadata={"Padding": "x" * 51_200})


@case
def too_many_resources(world: World) -> None:
    world.stack({f"R{number}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for number in range(501)})


@case
def too_many_outputs(world: World) -> None:
    world.stack(Outputs={f"O{number}": {"Value": "v"} for number in range(201)})


@case
def too_many_parameters(world: World) -> None:
    world.stack(Parameters={f"P{number}": {"Type": "String", "Default": "v"} for number in range(201)})


@case
def too_many_mappings(world: World) -> None:
    world.stack(Mappings={f"M{number}": {"a": {"b": "c"}} for number in range(201)})


@case
def parameter_missing(world: World) -> None:
    world.stack(Parameters={"P": {"Type": "String"}})


@case
def parameters_unknown(world: World) -> None:
    given = [{"ParameterKey": "Other", "ParameterValue": "v"}]
    template = json.dumps({"Resources": {"Q": QUEUE}})
    world.stacks.create_change_set(
        StackName=unique("stack"), ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=template, Parameters=given
    )


@case
def parameter_type(world: World) -> None:
    world.stack(Parameters={"P": {"Type": "Text", "Default": "v"}})


@case
def template_section(world: World) -> None:
    world.stack(Resource={})


@case
def no_resources(world: World) -> None:
    world.stacks.create_stack(StackName=unique("stack"), TemplateBody='{"Resources": {}}')


@case
def resource_name(world: World) -> None:
    world.stack({"Q-1": QUEUE})


@case
def resource_without_type(world: World) -> None:
    world.stack({"Q": {"Properties": {}}})


@case
def resource_member(world: World) -> None:
    world.stack({"Q": {**QUEUE, "Property": {}}})


@case
def reference_to_nothing(world: World) -> None:
    world.stack({"Q": {**QUEUE, "Properties": {"QueueName": {"Ref": "Name"}}}})


@case
def attribute_of_nothing(world: World) -> None:
    world.stack({"Q": {**QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": ["T", "TopicName"]}}}})


@case
def attribute_unknown(world: World) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    world.stack({"T": topic, "Q": {**QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": ["T", "Arn"]}}}})


@case
def substitute_of_nothing(world: World) -> None:
    world.stack({"Q": {**QUEUE, "Properties": {"QueueName": {"Fn::Sub": "a-${T.TopicName}"}}}})


@case
def condition_missing(world: World) -> None:
    world.stack({"Q": {**QUEUE, "Condition": "Ever"}})


@case
def cycle(world: World) -> None:
    world.stack({"A": {**QUEUE, "DependsOn": "B"}, "B": {**QUEUE, "Properties": {"QueueName": {"Ref": "A"}}}})


@case
def output_without_value(world: World) -> None:
    world.stack(Outputs={"O": {"Description": "none"}})


@case
def export_name(world: World) -> None:
    world.stack(**world.exporting("of.somebody"))


@case
def export_name_depends(world: World) -> None:
    world.stack(Outputs={"O": {"Value": "v", "Export": {"Name": {"Fn::Sub": "of-${Q}"}}}})


@case
def export_taken(world: World) -> str:
    name = unique("export")
    world.stack(**world.exporting(name))
    return world.reasons(world.stack(**world.exporting(name)))


@case
def export_removed(world: World) -> str:
    stack, _ = world.imported()
    world.change(stack, {"Q": QUEUE, "R": QUEUE})
    return world.reasons(stack)


@case
def export_changed(world: World) -> str:
    stack, name = world.imported()
    world.change(stack, {"Q": QUEUE, "R": QUEUE}, **world.exporting(name, "two"))
    return world.reasons(stack)


@case
def export_of_a_deleted_stack(world: World) -> None:
    world.stacks.delete_stack(StackName=world.imported()[0])


@case
def import_of_nothing(world: World) -> str:
    value = {"Type": "String", "Value": {"Fn::ImportValue": unique("export")}}
    return world.reasons(world.stack({"P": {"Type": "AWS::SSM::Parameter", "Properties": value}}))


@case
def custom_name_replaced(world: World) -> str:
    def resources(description: str) -> dict[str, Any]:
        properties = {"ModelPackageGroupName": name, "ModelPackageGroupDescription": description}
        return {"G": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties}}

    name = unique("group")
    stack = world.stack(resources("one"))
    world.change(stack, resources("two"))
    return world.reasons(stack)


@case
def parameter_not_allowed(world: World) -> None:
    world.stack(Parameters={"P": {"Type": "String", "Default": "b", "AllowedValues": ["a"]}})


@case
def parameter_not_in_ssm(world: World) -> None:
    world.stack(Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/none"}})


@case
def capabilities(world: World) -> None:
    world.stack({"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}})


@case
def unknown_type(world: World) -> None:
    world.stack({"R": {"Type": "AWS::None::Such"}})


@pytest.fixture
def world(account: Account, hosting: Hosting, request_for: Callable[..., dict[str, Any]], bucket: str) -> World:
    return World(account, hosting, request_for, bucket)


@pytest.mark.parametrize("name", sorted(CASES))
def test_aws_refuses(world: World, name: str) -> None:
    row = refusals.TABLE[name]
    if row.code in {refusals.IN_EVENTS, refusals.IN_REASONS}:
        assert row.is_meant_by(str(CASES[name](world)))
        return
    with pytest.raises(ClientError) as refused:
        CASES[name](world)

    assert refused.value.response["Error"]["Code"] == row.code
    assert row.is_meant_by(str(refused.value))


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    assert set(CASES) == set(refusals.TABLE)


def test_every_row_is_raised_by_the_local_cloud_unless_ministack_does() -> None:
    found = subprocess.run(
        ["grep", "-rhoE", "--include=*.py", r"refusals\.[A-Z][A-Z_]+\b", "local_cloud"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    raised = {line.removeprefix("refusals.") for line in found.split()}

    assert raised == {name for name, row in refusals.TABLE.items() if not row.by_ministack}


def test_the_page_is_the_table() -> None:
    assert (ROOT / "docs/aws-refusals.md").read_text(encoding="utf-8") == refusals.page()


@pytest.mark.parametrize("instance_type", ["ml.g4dn.xlarge", "ml.g5.xlarge"])
@pytest.mark.parametrize("create", [lambda world, name: transform(world, name, "key"), processing])
def test_no_kind_of_job_takes_a_key_for_the_volume_of_hosts_with_disks(
    world: World, create: Callable[[World, str], None], instance_type: str
) -> None:
    with pytest.raises(ClientError, match=f"VolumeKmsKeyId is not supported for instance type {instance_type}"):
        create(world, instance_type)


def test_a_serverless_endpoint_does_not_move_to_instances(world: World) -> None:
    endpoint = world.hosting.endpoint(variant=SERVERLESS)

    with pytest.raises(ClientError, match="is serverless and cannot be updated to on instances"):
        world.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=world.hosting.config(2))


def test_a_deregistered_variant_takes_another_instance_type(world: World) -> None:
    endpoint = world.hosting.endpoint()
    world.target(endpoint)
    world.scaling.deregister_scalable_target(**DIMENSION, ResourceId=f"endpoint/{endpoint}/variant/AllTraffic")
    config = world.hosting.config(2, variant={**ON_ONE, "InstanceType": "ml.c5.large"})
    world.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)

    assert world.hosting.settled(endpoint)["EndpointConfigName"] == config


STOPPED_AT_SYNTH: list[tuple[str, dict[str, object]]] = [
    ("MODEL_CONSTRAINT", {"training": {"instance_count": 0}}),
    ("HYPERPARAMETERS_NOT_ALLOWED", {"hyperparameters": {"unigram_bias": "true"}}),
    ("HYPERPARAMETER", {"hyperparameters": {"num_topics": 1}}),
    ("RUNTIME_TOO_LONG", {"training": {"max_runtime_s": 28 * 86_400 + 1, "run_on_deploy": False}}),
    ("PAYLOAD_TIMES_CONCURRENCY", {"transform": {"max_payload_mb": 60, "max_concurrent_transforms": 2}}),
    ("NO_PAYLOAD_LIMIT", {"transform": {"max_payload_mb": 0}}),
    ("SERVERLESS_MEMORY", {"endpoint": {"serverless": {"memory_mb": 1500}}}),
    ("SERVERLESS_LACKS", {"endpoint": {"serverless": {}}, "network": {"kind": "own"}}),
    ("TWO_ROLLOUT_POLICIES", {"rollout": {"strategy": "both"}}),
    ("ROLLING_SERVERLESS", {"endpoint": {"serverless": {}}, "rollout": {"strategy": "rolling"}}),
    ("CAPACITY_SHARE", {"rollout": {"strategy": "canary", "step_percent": 60}}),
    ("TARGET_BURSTABLE", {"endpoint": {"instance_type": "ml.t2.medium", "max_instances": 2}}),
    ("TARGET_MINIMUM", {"endpoint": {"min_instances": 0}}),
    ("TARGET_BOUNDS", {"endpoint": {"min_instances": 3, "max_instances": 2}}),
    ("TARGET_VALUE", {"endpoint": {"invocations_per_instance_per_minute": 0}}),
]


@pytest.mark.parametrize(("name", "chosen"), STOPPED_AT_SYNTH)
def test_what_the_table_says_a_setting_stops_is_stopped_by_it(name: str, chosen: dict[str, object]) -> None:
    setting = re.search(r"`(\w+)", refusals.TABLE[name].at_synth)

    with pytest.raises(SynthError, match=setting[1] if setting else "setting"):
        cdk_json.load({"dev": chosen}, stage="dev")


def test_every_setting_that_the_table_names_is_tried() -> None:
    named = {name for name, row in refusals.TABLE.items() if "`" in row.at_synth}

    assert {name for name, _ in STOPPED_AT_SYNTH} - {"MODEL_CONSTRAINT"} == named


def failure_of(world: World, resource: dict[str, Any]) -> str:
    """Return why a stack of one resource could not be made."""
    return world.reasons(world.stack({"R": resource}))


def test_a_templates_function_is_refused_as_one_of_the_api_is(world: World) -> None:
    role = world.account.role(service="lambda.amazonaws.com")
    properties = {
        "Runtime": "python3.13", "Handler": "index.handler", "Role": role, "Timeout": "901",
        "Code": {"ZipFile": "def handler(event, context): return 1"},
    }  # fmt: skip

    assert refusals.FUNCTION_TIMEOUT.is_meant_by(
        failure_of(world, {"Type": "AWS::Lambda::Function", "Properties": properties})
    )


def test_a_templates_state_machine_is_refused_as_one_of_the_api_is(world: World) -> None:
    definition = json.dumps({"StartAt": "Nowhere", "States": PASS["States"]})
    properties = {"RoleArn": world.account.role(service="states.amazonaws.com"), "DefinitionString": definition}

    assert refusals.BAD_DEFINITION.is_meant_by(
        failure_of(world, {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties})
    )


def test_a_subnet_that_is_not_there_is_refused_for_a_model_too(world: World) -> None:
    nowhere = {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]}
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{world.bucket}/none"}

    with pytest.raises(ClientError, match="The subnet ID 'subnet-0123456789abcdef0' does not exist"):
        world.sagemaker.create_model(
            ModelName=unique("m"), ExecutionRoleArn=world.role, PrimaryContainer=container, VpcConfig=nowhere
        )


@pytest.mark.parametrize(
    ("kind", "properties", "row"),
    [
        ("AWS::EC2::VPCEndpoint", {"VpcId": "vpc-0123456789abcdef0", "ServiceName": "s3"}, refusals.VPC_MISSING),
        (
            "AWS::StepFunctions::StateMachine",
            {"DefinitionString": json.dumps(PASS), "LoggingConfiguration": {"Level": "ALL", "Destinations": []}},
            refusals.LOGGING_CONFIGURATION,
        ),
        (
            "AWS::Lambda::Function",
            {
                "Runtime": "python3.13", "Handler": "i.h", "Code": {"ZipFile": "x = 1"},
                "VpcConfig": {"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": []},
            },
            refusals.FUNCTION_NETWORK_MISSING,
        ),
    ],
)  # fmt: skip
def test_a_template_is_refused_what_the_api_is(
    world: World, kind: str, properties: dict[str, Any], row: refusals.Refusal
) -> None:
    role = {
        "AWS::StepFunctions::StateMachine": {"RoleArn": world.account.role(service="states.amazonaws.com")},
        "AWS::Lambda::Function": {"Role": world.account.role(service="lambda.amazonaws.com")},
    }.get(kind, {})

    assert row.is_meant_by(failure_of(world, {"Type": kind, "Properties": {**properties, **role}}))


def test_an_event_of_more_than_a_megabyte_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match="too large for the Event invocation type .limit 1048576 bytes"):
        world.functions.invoke(
            FunctionName=world.function(), InvocationType="Event", Payload=b'"' + b"a" * 1024 * 1024 + b'"'
        )
