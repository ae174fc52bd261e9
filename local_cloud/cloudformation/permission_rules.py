"""With which property a handler needs a permission: what it needs whatever the template says is not here.

A rule names properties; none says that a permission may be missing. Reads of the type's own service have a rule only
where the property is a feature of its own, since a handler reads a resource whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from local_cloud.cloudformation.resource_schemas import resource_schemas, value_at
from local_cloud.shared.wire import JsonObject, JsonValue

_AWS_OWN = "aws:"
"""Tags that CloudFormation itself puts on everything; a handler goes on where it may not."""


@dataclass(frozen=True)
class With:
    """A condition on properties.

    Attributes:
        paths: of properties, any of which is enough.
        how: `set` before or after the change; `changed` or `removed` by it, as a deletion removes all; `unset` in both.
        value: the text that the property has; '' for any.
    """

    paths: tuple[str, ...]
    how: Literal["set", "changed", "removed", "unset"] = "set"
    value: str = ""

    def holds(self, old: JsonObject, new: JsonObject) -> bool:
        """Tell whether a change of properties is one for which this asks."""
        return any(self._holds(value_at(old, path), value_at(new, path)) for path in self.paths)

    def _holds(self, before: JsonValue, after: JsonValue) -> bool:
        if self.how == "unset":
            return before is None and after is None
        if self.how == "changed":
            return before != after
        if self.how == "removed":
            kept = after if isinstance(after, list) else []
            return any(item not in kept for item in before) if isinstance(before, list) else bool(before) and not after
        return any(value is not None and self.value in {"", str(value)} for value in (before, after))


def _with(*paths: str, value: str = "") -> With:
    return With(paths, value=value)


def _removed(path: str) -> With:
    return With((path,), "removed")


def _changed(*paths: str) -> With:
    return With(paths, "changed")


_IDENTITIES = (("Groups", "Group"), ("Roles", "Role"), ("Users", "User"))
_PROVISIONED = _with("ProvisionedConcurrencyConfig")
_INGRESS, _EGRESS = _with("SecurityGroupIngress"), _with("SecurityGroupEgress")
_LATTICE = _with("ServiceNetworkArn", "ResourceConfigurationArn")
_S3_TABLES = _with("MetadataTableConfiguration", "MetadataConfiguration")
_IN_A_VPC, _FILES = _with("VpcConfig"), _with("FileSystemConfigs")
_FUNCTION_KEY = _with("KmsKeyArn", "Code/SourceKMSKeyArn")
_CAPACITY = _with("CapacityProviderConfig", "FunctionScalingConfig")
_DATA_PROTECTION = _with("DataProtectionPolicy")
_LOG_POLICY = _with("ResourcePolicyDocument")
_LAMBDA_TARGET = _with("ServiceNamespace", value="lambda")
_VECTOR_KEY = _with("EncryptionConfiguration/KmsKeyArn")
_MACHINE_KEY, _MACHINE_FILE = _with("EncryptionConfiguration/KmsKeyId"), _with("DefinitionS3Location")
_GROUP_POLICY = _with("ModelPackageGroupPolicy")
_CODE_DEPLOY = _with("UpdatePolicy/CodeDeployLambdaAliasUpdate")

ONLY_WITH: dict[str, dict[With, tuple[str, ...]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        _with("ScheduledActions"): ("application-autoscaling:PutScheduledAction",),
        _removed("ScheduledActions"): ("application-autoscaling:DeleteScheduledAction",),
        _LAMBDA_TARGET: (
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:PutProvisionedConcurrencyConfig",
        ),
        _with("RoleARN"): ("iam:PassRole",),
        With(("RoleARN",), "unset"): ("iam:CreateServiceLinkedRole",),
        _with("ServiceNamespace", value="sagemaker"): (
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
        ),
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {
        _with("PredictiveScalingPolicyConfiguration"): ("cloudwatch:GetMetricData",),
    },
    "AWS::EC2::FlowLog": {
        _with("Tags"): ("autoscaling:DescribeTags", "ec2:DescribeTags"),
        _with("DeliverLogsPermissionArn", "DeliverCrossAccountRole"): ("iam:PassRole",),
        _with("LogDestinationType", value="kinesis-data-firehose"): ("iam:CreateServiceLinkedRole",),
        _with("LogDestinationType", value="s3"): ("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
        _with("LogDestination"): ("logs:CreateLogDelivery", "logs:DeleteLogDelivery"),
    },
    "AWS::EC2::SecurityGroup": {
        _EGRESS: (
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
        ),
        _INGRESS: (
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
        ),
    },
    "AWS::EC2::Subnet": {
        _changed("Ipv6CidrBlock"): ("ec2:AssociateSubnetCidrBlock", "ec2:DisassociateSubnetCidrBlock"),
        _with("AssignIpv6AddressOnCreation", "EnableDns64", "MapPublicIpOnLaunch", "PrivateDnsNameOptionsOnLaunch"): (
            "ec2:ModifySubnetAttribute",
        ),
    },
    "AWS::EC2::VPC": {
        _with("VpcEncryptionControl"): ("ec2:CreateVpcEncryptionControl",),
        _changed("InstanceTenancy"): ("ec2:ModifyVpcTenancy",),
    },
    "AWS::EC2::VPCEndpoint": {
        _LATTICE: (
            "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
            "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
        ),
        _with("ServiceRegion"): ("vpce:AllowMultiRegion",),
    },
    "AWS::Events::Rule": {
        _with("RoleArn", "Targets/RoleArn"): ("iam:PassRole",),
        _with("Targets"): ("events:PutTargets", "events:RemoveTargets"),
    },
    "AWS::IAM::ManagedPolicy": {
        **{_with(many): (f"iam:Attach{one}Policy",) for many, one in _IDENTITIES},
        **{_removed(many): (f"iam:Detach{one}Policy",) for many, one in _IDENTITIES},
    },
    "AWS::IAM::Policy": {
        **{_with(many): (f"iam:Get{one}Policy", f"iam:Put{one}Policy") for many, one in _IDENTITIES},
        **{_removed(many): (f"iam:Delete{one}Policy",) for many, one in _IDENTITIES},
    },
    "AWS::IAM::Role": {
        _with("ManagedPolicyArns"): ("iam:AttachRolePolicy",),
        _removed("ManagedPolicyArns"): ("iam:DetachRolePolicy",),
        _with("Policies"): ("iam:PutRolePolicy", "iam:GetRolePolicy"),
        _removed("Policies"): ("iam:DeleteRolePolicy",),
        _changed("Description"): ("iam:UpdateRoleDescription",),
        _changed("PermissionsBoundary"): ("iam:PutRolePermissionsBoundary",),
        _removed("PermissionsBoundary"): ("iam:DeleteRolePermissionsBoundary",),
    },
    "AWS::KMS::Key": {
        _with("Enabled", value="False"): ("kms:DisableKey", "kms:EnableKey"),
        _with("EnableKeyRotation"): ("kms:EnableKeyRotation", "kms:DisableKeyRotation"),
        _changed("Description"): ("kms:UpdateKeyDescription",),
    },
    "AWS::Lambda::Alias": {
        _PROVISIONED: ("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
        _CODE_DEPLOY: tuple(
            f"codedeploy:{action}"
            for action in (
                "CreateDeployment", "GetDeployment", "GetDeploymentConfig", "GetDeploymentGroup", "StopDeployment",
            )
        ),
    },
    "AWS::Lambda::Function": {
        _IN_A_VPC: (
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        _FILES: ("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
        _with("Role"): ("iam:PassRole",),
        _FUNCTION_KEY: ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
        _with("Code/S3Bucket"): ("s3:GetObject",),
        _with("Code/S3ObjectVersion"): ("s3:GetObjectVersion",),
        _with("CodeSigningConfigArn"): ("lambda:GetCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig"),
        _removed("CodeSigningConfigArn"): ("lambda:DeleteFunctionCodeSigningConfig",),
        _with("Layers"): ("lambda:GetLayerVersion",),
        _CAPACITY: (
            "lambda:GetFunctionScalingConfig",
            "lambda:PassCapacityProvider",
            "lambda:PutFunctionScalingConfig",
        ),
        _with("ReservedConcurrentExecutions"): ("lambda:PutFunctionConcurrency",),
        _removed("ReservedConcurrentExecutions"): ("lambda:DeleteFunctionConcurrency",),
        _with("RecursiveLoop"): ("lambda:PutFunctionRecursionConfig",),
        _with("RuntimeManagementConfig"): ("lambda:PutRuntimeManagementConfig",),
        _with("PublishToLatestPublished"): ("lambda:PublishVersion",),
    },
    "AWS::Lambda::Version": {
        _PROVISIONED: ("lambda:PutProvisionedConcurrencyConfig",),
        _with("FunctionScalingConfig"): ("lambda:GetFunctionScalingConfig", "lambda:PutFunctionScalingConfig"),
        _with("RuntimePolicy"): ("lambda:PutRuntimeManagementConfig",),
    },
    "AWS::Logs::LogGroup": {
        _DATA_PROTECTION: (
            "firehose:TagDeliveryStream",
            "logs:CreateLogDelivery",
            "logs:DeleteDataProtectionPolicy",
            "logs:PutDataProtectionPolicy",
            "s3:REST.PUT.OBJECT",
        ),
        _LOG_POLICY: ("logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
        _with("FieldIndexPolicies"): ("logs:DeleteIndexPolicy", "logs:PutIndexPolicy"),
        _with("BearerTokenAuthenticationEnabled"): ("logs:PutBearerTokenAuthentication",),
        _with("DeletionProtectionEnabled"): ("logs:PutLogGroupDeletionProtection",),
        _with("RetentionInDays"): ("logs:PutRetentionPolicy",),
        _removed("RetentionInDays"): ("logs:DeleteRetentionPolicy",),
        _with("KmsKeyId"): ("logs:AssociateKmsKey",),
        _removed("KmsKeyId"): ("logs:DisassociateKmsKey",),
    },
    "AWS::S3::Bucket": {
        _with("ReplicationConfiguration/Role"): ("iam:PassRole",),
        _with("ReplicationConfiguration"): (
            "s3:DeleteBucketReplication",
            "s3:PutBucketReplication",
            "s3:PutReplicationConfiguration",
        ),
        _S3_TABLES: (
            "s3:CreateBucketMetadataTableConfiguration",
            "s3:DeleteBucketMetadataTableConfiguration",
            "s3:UpdateBucketMetadataAnnotationTableConfiguration",
            "s3:UpdateBucketMetadataInventoryTableConfiguration",
            "s3:UpdateBucketMetadataJournalTableConfiguration",
            "s3tables:CreateNamespace",
            "s3tables:CreateTable",
            "s3tables:CreateTableBucket",
            "s3tables:GetTable",
            "s3tables:GetTableMetadataLocation",
            "s3tables:PutTableBucketPolicy",
            "s3tables:PutTableEncryption",
            "s3tables:PutTablePolicy",
            "s3tables:UpdateTableMetadataLocation",
        ),
        _with("AbacStatus"): ("s3:PutBucketAbac",),
        _with("AccelerateConfiguration"): ("s3:PutAccelerateConfiguration",),
        _with("AccessControl"): ("s3:PutBucketAcl", "s3:PutObjectAcl"),
        _with("AnalyticsConfigurations"): ("s3:DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
        _with("BucketEncryption"): ("s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
        _with("CorsConfiguration"): ("s3:DeleteBucketCors", "s3:PutBucketCORS"),
        _with("IntelligentTieringConfigurations"): ("s3:PutIntelligentTieringConfiguration",),
        _with("InventoryConfigurations"): ("s3:PutInventoryConfiguration",),
        _with("LifecycleConfiguration"): ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
        _with("LoggingConfiguration"): ("s3:PutBucketLogging",),
        _with("MetricsConfigurations"): ("s3:DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
        _with("NotificationConfiguration"): ("s3:PutBucketNotification",),
        _with("ObjectLockConfiguration", "ObjectLockEnabled"): (
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutObjectLockConfiguration",
        ),
        _with("OwnershipControls"): ("s3:PutBucketOwnershipControls",),
        _with("PublicAccessBlockConfiguration"): ("s3:PutBucketPublicAccessBlock",),
        _with("VersioningConfiguration"): ("s3:PutBucketVersioning",),
        _with("WebsiteConfiguration"): ("s3:DeleteBucketWebsite", "s3:PutBucketWebsite"),
    },
    "AWS::S3Vectors::Index": {_VECTOR_KEY: ("kms:Decrypt", "kms:GenerateDataKey")},
    "AWS::S3Vectors::VectorBucket": {_VECTOR_KEY: ("kms:GenerateDataKey",)},
    "AWS::SNS::Subscription": {_with("SubscriptionRoleArn"): ("iam:GetRole", "iam:PassRole")},
    "AWS::SNS::Topic": {
        _with("DeliveryStatusLogging"): ("iam:GetRole", "iam:PassRole"),
        _with("DataProtectionPolicy"): ("sns:PutDataProtectionPolicy",),
        _with("Subscription"): ("sns:Subscribe", "sns:Unsubscribe"),
    },
    "AWS::SageMaker::EndpointConfig": {
        _with("ExecutionRoleArn"): ("iam:PassRole",),
        _with("KmsKeyId"): ("kms:CreateGrant",),
    },
    "AWS::SageMaker::Model": {_with("ExecutionRoleArn"): ("iam:PassRole",)},
    "AWS::SageMaker::ModelPackageGroup": {
        _GROUP_POLICY: ("sagemaker:DeleteModelPackageGroupPolicy", "sagemaker:PutModelPackageGroupPolicy"),
    },
    "AWS::StepFunctions::StateMachine": {
        _MACHINE_KEY: ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        _MACHINE_FILE: ("s3:GetObject", "s3:GetObjectVersion"),
    },
}  # fmt: skip


def is_needed(kind: str, permission: str, old: JsonObject, new: JsonObject) -> bool:
    """Tell whether a handler of a type needs one of its permissions for a change from `old` properties to `new` ones.

    A creation has no old properties, a deletion no new ones.
    """
    rules = [rule for rule, permissions in ONLY_WITH.get(kind, {}).items() if permission in permissions]
    schema = resource_schemas().get(kind)
    if schema is not None and permission in schema.tagging and not reads(permission):
        rules.append(With(("Tags",), "removed" if _untags(permission) and old and new else "set"))
        old, new = _with_own_tags(old), _with_own_tags(new)
    return not rules or any(rule.holds(old, new) for rule in rules)


def reads(permission: str) -> bool:
    """Tell whether a permission is one to look."""
    return permission.partition(":")[2].startswith(("Describe", "Get", "List"))


def _untags(permission: str) -> bool:
    return permission.partition(":")[2].startswith(("Delete", "Remove", "Untag"))


def tags_of(properties: JsonObject) -> dict[str, str]:
    """Return the tags that a template gives, without CloudFormation's own."""
    tags = properties.get("Tags")
    if isinstance(tags, list):
        tags = {str(tag.get("Key")): tag.get("Value") for tag in tags if isinstance(tag, dict)}
    given = tags if isinstance(tags, dict) else {}
    return {key: str(value) for key, value in given.items() if not key.startswith(_AWS_OWN)}


def _with_own_tags(properties: JsonObject) -> JsonObject:
    return {**properties, "Tags": [f"{key}={value}" for key, value in tags_of(properties).items()]}
