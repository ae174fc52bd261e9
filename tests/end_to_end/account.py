"""What an account holds of the kinds that the stacks make, and what the templates say outlives them."""

from __future__ import annotations

import json

from rules.log_groups import SHARED
from tests.end_to_end.deployment import Deployment

KEPT = {"Retain", "RetainExceptOnCreate"}
LISTINGS = {
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "AWS::KMS::Key": ("kms", "list_keys", "Keys", "KeyId"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles", "RoleName"),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::SSM::Parameter": ("ssm", "describe_parameters", "Parameters", "Name"),
    "AWS::StepFunctions::StateMachine": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": (
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName",
    ),
    "AWS::SageMaker::Model": ("sagemaker", "list_models", "Models", "ModelName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::SNS::Topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "AWS::Events::Rule": ("events", "list_rules", "Rules", "Name"),
    "AWS::EC2::VPCEndpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "AWS::EC2::FlowLog": ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
}  # fmt: skip
"""How each kind of thing that the stacks make is listed: service, operation, member of the answer, name."""


def retained(account: Deployment) -> dict[str, list[str]]:
    """What the templates say outlives its stack, by type: the physical ids."""
    stacks, kept = account.client("cloudformation"), dict[str, list[str]]()
    for part in ("Data", "Training", "Serving"):
        name = f"TopicModel-{account.stage}-{part}"
        body = stacks.get_template(StackName=name)["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        for resource in stacks.describe_stack_resources(StackName=name)["StackResources"]:
            if template["Resources"][resource["LogicalResourceId"]].get("DeletionPolicy") in KEPT:
                kept.setdefault(resource["ResourceType"], []).append(resource["PhysicalResourceId"])
    return {kind: sorted(names) for kind, names in kept.items()}


def found(account: Deployment) -> dict[str, list[str]]:
    """Everything in the account of the kinds that the stacks make, but for the bootstrap's own."""
    kept = {
        kind: sorted(
            item[name]
            for item in getattr(account.client(service), call)()[key]
            if not item[name].strip("/").startswith("cdk-")
        )
        for kind, (service, call, key, name) in LISTINGS.items()
    }
    vpcs = account.client("ec2").describe_vpcs()["Vpcs"]
    # The account's default VPC was there before.
    kept["AWS::EC2::VPC"] = [vpc["VpcId"] for vpc in vpcs if not vpc["IsDefault"]]
    return {kind: names for kind, names in kept.items() if names}


def left(account: Deployment) -> dict[str, list[str]]:
    """What is there that stacks with `removal_policy: destroy` should have taken away with them."""
    kms, sagemaker = account.client("kms"), account.client("sagemaker")
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    kept = found(account) | {
        "AWS::CloudFormation::Stack": [
            stack["StackName"] for stack in stacks if stack["StackName"].startswith("TopicModel")
        ],
        "AWS::IAM::ManagedPolicy": [
            policy["PolicyName"] for policy in account.client("iam").list_policies(Scope="Local")["Policies"]
        ],
        "AWS::SageMaker::ModelPackageGroup": [
            group["ModelPackageGroupName"]
            for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        ],
        "AWS::SageMaker::ModelPackage": [
            package["ModelPackageArn"]
            for package in sagemaker.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]
        ],
    }
    # A key is deleted a week after it was asked for at the earliest.
    kept["AWS::KMS::Key"] = [
        key
        for key in kept.get("AWS::KMS::Key", [])
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion"
    ]
    # One an account and region, everybody's: not a stack's to delete.
    kept["AWS::Logs::LogGroup"] = [name for name in kept.get("AWS::Logs::LogGroup", []) if name not in SHARED]
    return {kind: names for kind, names in kept.items() if names}


def shared_log_groups(account: Deployment) -> dict[str, int | None]:
    """The account's log groups of SageMaker jobs, and how many days they keep their events."""
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups if "Jobs" in group["logGroupName"]}
