from __future__ import annotations

import copy
import json

import pytest

from rules.aws_images import REGISTRY_ACCOUNTS, SPARK_ACCOUNTS
from rules.engine import ALL_RULES, JsonValue, Template, check_all


def template(resources: dict[str, JsonValue], *, hardened: bool = False, **sections: JsonValue) -> Template:
    """A template of these resources and nothing else."""
    metadata: JsonValue = {"TopicModelStage": {"Name": "some", "Hardened": hardened}}
    return Template("Some-Stack", {"Resources": resources, "Metadata": metadata, **sections})


def found(looked_at: Template, rule_id: str) -> list[str]:
    """The places that one rule finds."""
    [rule] = [rule for rule in ALL_RULES if rule.id == rule_id]
    return [f"{finding.logical_id}/{finding.path}" for finding in rule.check(looked_at)]


def weakened(sound: dict[str, JsonValue], path: tuple[str, ...], value: JsonValue) -> dict[str, JsonValue]:
    """A copy with another value at a path."""
    job = copy.deepcopy(sound)
    inner: JsonValue = job
    for part in path[:-1]:
        assert isinstance(inner, dict)
        inner = inner[part]
    assert isinstance(inner, dict)
    inner[path[-1]] = value
    return job


def test_every_rule_says_what_holds_and_what_could_happen_otherwise() -> None:
    for rule in ALL_RULES:
        assert rule.id.startswith("TM-")
        assert rule.title
        assert rule.why


def test_an_empty_template_of_a_known_stage_breaks_no_rule() -> None:
    assert check_all([template({})]) == []


def test_a_finding_leads_to_its_place() -> None:
    [finding] = check_all([template({"U": {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "AWS_IAM"}}})])

    assert (finding.rule_id, finding.stack, finding.logical_id, finding.path) == (
        "TM-URL-ALIAS",
        "Some-Stack",
        "U",
        "Properties/Qualifier",
    )


JOB: dict[str, JsonValue] = {
    "AlgorithmSpecification": {"TrainingImage": "${Image}"},
    "ResourceConfig": {"InstanceCount": 2, "VolumeKmsKeyId": "${Key}"},
    "OutputDataConfig": {"KmsKeyId": "${Key}"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "EnableNetworkIsolation": True,
    "EnableInterContainerTrafficEncryption": True,
    "VpcConfig": {"Subnets": ["${Subnet0}"], "SecurityGroupIds": ["${Group0}"]},
}
IMAGE: JsonValue = {
    "Fn::Join": [
        "",
        [
            {"Fn::FindInMap": ["Registry", {"Ref": "AWS::Region"}, "Account"]},
            ".dkr.ecr.",
            {"Ref": "AWS::Region"},
            ".",
            {"Ref": "AWS::URLSuffix"},
            "/ntm:1",
        ],
    ]
}


def machine(
    job: dict[str, JsonValue],
    *,
    call: str = "createTrainingJob.sync",
    nested: bool = False,
    registry: dict[str, str] | None = None,
    image: JsonValue = None,
) -> Template:
    """A hardened template with a state machine that starts one job."""
    state: JsonValue = {"Type": "Task", "Resource": f"arn:${{P}}:states:::sagemaker:{call}", "Parameters": job}
    states: JsonValue = (
        {"All": {"Type": "Map", "ItemProcessor": {"States": {"Run": state}}}} if nested else {"Run": state}
    )
    accounts = registry or REGISTRY_ACCOUNTS
    return template(
        {
            "M": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "DefinitionString": json.dumps({"States": states}),
                    "DefinitionSubstitutions": {"Image": image or IMAGE, "Key": {"Ref": "Key"}},
                    "LoggingConfiguration": {"Level": "ALL"},
                    "TracingConfiguration": {"Enabled": True},
                },
            }
        },
        hardened=True,
        Mappings={"Registry": {region: {"Account": account} for region, account in accounts.items()}},
    )


def test_a_job_that_is_as_it_should_be_breaks_no_rule() -> None:
    assert check_all([machine(JOB)]) == []


@pytest.mark.parametrize(
    ("path", "value", "rule_id"),
    [
        (("EnableNetworkIsolation",), False, "TM-JOB-ISOLATED"),
        (("EnableInterContainerTrafficEncryption",), False, "TM-JOB-TRAFFIC-ENCRYPTED"),
        (("ResourceConfig", "VolumeKmsKeyId"), None, "TM-JOB-VOLUME-KEY"),
        (("OutputDataConfig", "KmsKeyId"), "${Unknown}", "TM-JOB-OUTPUT-KEY"),
        (("VpcConfig", "Subnets"), [], "TM-JOB-VPC"),
        (("StoppingCondition",), {}, "TM-JOB-BOUNDED"),
        (
            ("AlgorithmSpecification", "TrainingImage"),
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ntm:1",
            "TM-JOB-IMAGE",
        ),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_weakened_job_is_caught_by_its_rule_wherever_it_is_nested(
    path: tuple[str, ...], value: JsonValue, rule_id: str, nested: bool
) -> None:
    job = weakened(JOB, path, value)

    assert {finding.rule_id for finding in check_all([machine(job, nested=nested)])} == {rule_id}


def test_a_job_of_one_instance_has_no_traffic_to_encrypt() -> None:
    alone: dict[str, JsonValue] = {
        **JOB,
        "ResourceConfig": {"InstanceCount": 1, "VolumeKmsKeyId": "${Key}"},
        "EnableInterContainerTrafficEncryption": False,
    }

    assert check_all([machine(alone)]) == []


def test_one_foreign_account_in_the_table_of_registries_is_enough() -> None:
    foreign = {**REGISTRY_ACCOUNTS, "eu-west-1": "123456789012"}

    assert {finding.rule_id for finding in check_all([machine(JOB, registry=foreign)])} == {"TM-JOB-IMAGE"}


def test_a_transform_job_without_keys_is_caught_twice() -> None:
    job: dict[str, JsonValue] = {"TransformResources": {"InstanceCount": 1}, "TransformOutput": {}}

    assert {finding.rule_id for finding in check_all([machine(job, call="createTransformJob.sync")])} == {
        "TM-JOB-VOLUME-KEY",
        "TM-JOB-OUTPUT-KEY",
    }


SPARK_IMAGE: JsonValue = json.loads(json.dumps(IMAGE).replace("/ntm:1", "/sagemaker-spark-processing:3.5-cpu-py312"))
PROCESSING: dict[str, JsonValue] = {
    "AppSpecification": {"ImageUri": "${Image}"},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2, "VolumeKmsKeyId": "${Key}"}},
    "ProcessingOutputConfig": {"KmsKeyId": "${Key}"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "NetworkConfig": {
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"Subnets": ["${Subnet0}"], "SecurityGroupIds": ["${SecurityGroup0}"]},
    },
}


def processing(job: dict[str, JsonValue]) -> Template:
    """A hardened template whose state machine starts a processing job."""
    return machine(job, call="createProcessingJob.sync", registry=SPARK_ACCOUNTS, image=SPARK_IMAGE)


def test_a_processing_job_that_is_as_it_should_be_breaks_no_rule() -> None:
    assert check_all([processing(PROCESSING)]) == []


@pytest.mark.parametrize(
    ("path", "value", "rule_id"),
    [
        (("NetworkConfig", "EnableNetworkIsolation"), False, "TM-JOB-ISOLATED"),
        (("NetworkConfig", "EnableInterContainerTrafficEncryption"), False, "TM-JOB-TRAFFIC-ENCRYPTED"),
        (("ProcessingResources", "ClusterConfig", "VolumeKmsKeyId"), None, "TM-JOB-VOLUME-KEY"),
        (("ProcessingOutputConfig", "KmsKeyId"), "${Unknown}", "TM-JOB-OUTPUT-KEY"),
        (("NetworkConfig", "VpcConfig", "SecurityGroupIds"), [], "TM-JOB-VPC"),
        (("StoppingCondition",), {}, "TM-JOB-BOUNDED"),
        (("AppSpecification", "ImageUri"), "elsewhere/spark:1", "TM-JOB-IMAGE"),
    ],
)
def test_a_weakened_processing_job_is_caught_by_its_rule(path: tuple[str, ...], value: JsonValue, rule_id: str) -> None:
    job = weakened(PROCESSING, path, value)

    assert {finding.rule_id for finding in check_all([processing(job)])} == {rule_id}


def test_a_definition_that_cannot_be_read_is_a_finding() -> None:
    unreadable = machine(JOB)
    resource = unreadable.resource("M")
    assert resource is not None
    properties = resource.properties
    assert isinstance(properties, dict)
    properties["DefinitionString"] = "{"

    assert found(unreadable, "TM-JOB-READABLE") == ["M/Properties/DefinitionString"]


@pytest.mark.parametrize(
    ("statement", "rule_id"),
    [
        ({"Action": "s3:*", "Resource": "arn:x"}, "TM-IAM-NO-WILD-ACTION"),
        ({"Action": ["s3:GetObject"], "Resource": "*"}, "TM-IAM-NO-WILD-RESOURCE"),
        ({"NotAction": "s3:GetObject", "Resource": "arn:x"}, "TM-IAM-NO-WILD-ACTION"),
        ({"Action": "cloudwatch:PutMetricData", "Resource": "*"}, "TM-IAM-METRICS"),
        ({"Action": "iam:PassRole", "Resource": "arn:x"}, "TM-IAM-PASS-ROLE"),
        ({"Action": "kms:CreateGrant", "Resource": "arn:x"}, "TM-IAM-GRANTS"),
        ({"Action": "ssm:PutParameter", "Resource": "arn:aws:ssm:r:a:parameter/other/*"}, "TM-SSM-OWN-PATH"),
    ],
)
def test_a_statement_that_allows_too_much_is_caught_by_its_rule(statement: dict[str, JsonValue], rule_id: str) -> None:
    policy: JsonValue = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": [{"Effect": "Allow", **statement}]}},
    }

    assert {finding.rule_id for finding in check_all([template({"P": policy})])} == {rule_id}


def test_what_is_denied_is_no_fault() -> None:
    policy: JsonValue = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}},
    }

    assert check_all([template({"P": policy})]) == []


@pytest.mark.parametrize("group", ["TrainingJobs", "TransformJobs", "ProcessingJobs"])
def test_no_stack_may_own_a_log_group_that_is_everybodys(group: str) -> None:
    shared: JsonValue = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": f"/aws/sagemaker/{group}", "RetentionInDays": 30, "KmsKeyId": "k"},
    }

    assert {finding.rule_id for finding in check_all([template({"L": shared})])} == {"TM-LOGS-NOT-SHARED"}


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ({"Fn::Sub": "/aws/vendedlogs/states/training-${AWS::StackId}"}, 0),
        ({"Fn::Sub": "/aws/states/training-${AWS::StackId}"}, 1),
        ("/aws/vendedlogs/states/training", 1),
        (None, 1),
    ],
)
def test_a_state_machines_log_group_is_vended_and_of_its_stack(name: JsonValue, faults: int) -> None:
    logs: JsonValue = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["L", "Arn"]}}}
    resources: dict[str, JsonValue] = {
        "L": {"Type": "AWS::Logs::LogGroup", "Properties": {} if name is None else {"LogGroupName": name}},
        "M": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"LoggingConfiguration": {"Destinations": [logs]}},
        },
    }

    assert len(found(template(resources), "TM-LOGS-MACHINE")) == faults


@pytest.mark.parametrize(("days", "faults"), [(90, 1), (365, 0)])
def test_a_hardened_stage_keeps_logs_for_a_year(days: int, faults: int) -> None:
    group: JsonValue = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days, "KmsKeyId": "k"}}

    assert len(found(template({"L": group}, hardened=True), "TM-LOGS-RETENTION")) == faults


@pytest.mark.parametrize(
    ("path", "faults"), [("/topic-model/dev/approved/model", 0), ("/topic-model/dev/candidate/model", 1)]
)
def test_a_template_reads_approved_models_only(path: str, faults: int) -> None:
    read: JsonValue = {"A": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": path, "Description": "d"}}

    assert len(found(template({}, Parameters=read), "TM-SSM-READS-APPROVED")) == faults


def deployer(
    *,
    service: str = "cloudformation.amazonaws.com",
    passed: str = "arn:aws:iam::111111111111:role/Serving-*",
    boundary: bool = True,
) -> Template:
    """A template with a role that makes and passes the roles of a stack."""
    bounded: JsonValue = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111111111111:policy/boundary"}}
    to_lambda: JsonValue = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    passing: JsonValue = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": passed, "Condition": to_lambda}
    making: dict[str, JsonValue] = {
        "Effect": "Allow", "Action": "iam:CreateRole", "Resource": "arn:aws:iam::111111111111:role/Serving-*",
    }  # fmt: skip
    if boundary:
        making["Condition"] = bounded
    trust: JsonValue = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return template(
        {
            "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}},
            "P": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": {"Statement": [passing, making]}},
            },
        }
    )


def test_cloudformation_may_pass_the_roles_that_it_has_named_by_a_stack_and_bound() -> None:
    assert check_all([deployer()]) == []


@pytest.mark.parametrize(
    "weakened",
    [
        deployer(service="lambda.amazonaws.com"),
        deployer(passed="arn:aws:iam::111111111111:role/*"),
        deployer(passed="arn:aws:iam::111111111111:role/Serving-*/*"),
        deployer(boundary=False),
    ],
    ids=["another service", "every role", "two wildcards", "no boundary"],
)
def test_roles_are_passed_by_a_wildcard_in_no_other_case(weakened: Template) -> None:
    assert [found.rule_id for found in check_all([weakened])] == ["TM-IAM-PASS-ROLE"]


URL: dict[str, JsonValue] = {"AuthType": "NONE", "Qualifier": "live"}
REASON: dict[str, JsonValue] = {"checkov": {"skip": [{"id": "CKV_AWS_258", "comment": "A demonstration"}]}}


@pytest.mark.parametrize(
    ("metadata", "places"), [({}, ["U/Metadata/checkov/skip/CKV_AWS_258"]), (REASON, [])], ids=["unsaid", "said"]
)
def test_an_open_url_needs_somebodys_reason(metadata: dict[str, JsonValue], places: list[str]) -> None:
    looked_at = template({"U": {"Type": "AWS::Lambda::Url", "Properties": URL, "Metadata": metadata}})

    assert found(looked_at, "TM-URL-AUTH") == places


def permission(**properties: JsonValue) -> Template:
    role = "arn:aws:iam::111122223333:role/app"
    return template({"P": {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": role, **properties}}})


@pytest.mark.parametrize(
    ("looked_at", "places"),
    [
        (permission(Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="AWS_IAM"), []),
        (permission(Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True), []),
        (permission(Action="lambda:InvokeFunction"), ["P/Properties/InvokedViaFunctionUrl"]),
        (permission(Action="lambda:InvokeFunctionUrl"), ["P/Properties/InvokedViaFunctionUrl"]),
    ],
)
def test_a_named_caller_may_call_by_the_url_alone(looked_at: Template, places: list[str]) -> None:
    assert found(looked_at, "TM-FUNCTION-PERMISSION") == places


@pytest.mark.parametrize(
    ("origin", "places"), [("https://app.example.com", []), ("*", ["U/Properties/Cors/AllowOrigins/0"])]
)
def test_pages_of_named_origins_alone_may_call(origin: str, places: list[str]) -> None:
    url: JsonValue = {"AuthType": "AWS_IAM", "Qualifier": "live", "Cors": {"AllowOrigins": [origin]}}

    assert found(template({"U": {"Type": "AWS::Lambda::Url", "Properties": url}}), "TM-URL-CORS") == places
