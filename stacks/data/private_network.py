"""The stage's own VPC: two private subnets, no way to the internet, and just the endpoints that the service needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.shared.acknowledgments import acknowledge, everywhere
from stacks.shared.network import Placement
from stacks.shared.roles.service_role import ServiceRole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms

    from stacks.settings.stage import OwnNetwork, StageSettings

INTERFACE_ENDPOINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sagemaker.api": ("sagemaker:DescribeEndpoint",),
    "sagemaker.runtime": ("sagemaker:InvokeEndpoint",),
    "ssm": ("ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"),
    "states": ("states:ListExecutions", "states:StartExecution", "states:StopExecution"),
}
"""What the functions call, and the actions that may pass.

SageMaker's own agents fetch images, write logs and use keys outside the VPC; only data in S3 goes through it. S3 itself
asks KMS for the keys of objects. So logs, kms, sts and ecr need no endpoint here.
"""
TRACING_ENDPOINT: Final[Mapping[str, tuple[str, ...]]] = {
    "xray": (
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    )
}
LOGS_ENDPOINT: Final[Mapping[str, tuple[str, ...]]] = {
    "logs": ("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:PutRetentionPolicy"),
}
"""For the function that sets up the account's log groups."""
RETRAINING_ENDPOINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "cloudformation": ("cloudformation:DescribeStacks", "cloudformation:UpdateStack"),
    "sagemaker.api": (
        *INTERFACE_ENDPOINTS["sagemaker.api"],
        "sagemaker:CreateModelPackage",
        "sagemaker:DeleteModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
        "sagemaker:UpdateModelPackage",
    ),
}
"""What the functions of a retraining call beside."""
SIMILAR_ENDPOINT: Final[Mapping[str, tuple[str, ...]]] = {"lambda": ("lambda:InvokeFunction",)}
"""The function for similar documents has raw ones scored by the topics function."""
VECTORS_ENDPOINT: Final[Mapping[str, tuple[str, ...]]] = {
    "s3vectors": ("s3vectors:GetVectors", "s3vectors:QueryVectors"),
}


def named_buckets(settings: StageSettings) -> list[str]:
    """Return the buckets that the settings name, which may be of other accounts."""
    places = (settings.corpus.s3, settings.preparation.documents if settings.preparation is not None else None)
    return sorted({place.bucket for place in places if place is not None})


def endpoints_beside(settings: StageSettings) -> Mapping[str, tuple[str, ...]]:
    """Return the interface endpoints that a stage has beside those of every stage, and the actions that may pass."""
    similar = settings.similar
    return {
        **(TRACING_ENDPOINT if settings.operations.tracing else {}),
        **(LOGS_ENDPOINT if settings.account_logs is not None else {}),
        **(RETRAINING_ENDPOINTS if settings.retraining is not None else {}),
        **(SIMILAR_ENDPOINT if similar is not None else {}),
        **(VECTORS_ENDPOINT if similar is not None and similar.store == "s3-vectors" else {}),
    }


NAMED_CN_IN_CHINA: Final = frozenset(
    {"sagemaker.api", "sagemaker.runtime", "states", "xray", "lambda", "cloudformation"}
)
"""Services whose endpoints are named `cn.com.amazonaws.…` in China's partition."""
HTTPS: Final = 443
IKE: Final = 500
ESP: Final = "50"
"""SageMaker encrypts traffic between instances by IPsec: IKE by UDP, and ESP, between members of the group."""
SUBNET_BITS: Final = 8


class PrivateNetwork(Construct):
    """VPC, subnets, security groups, endpoints and flow log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: OwnNetwork,
        key: kms.IKey,
        retention: logs.RetentionDays,
        removal_policy: cdk.RemovalPolicy,
        more: Mapping[str, tuple[str, ...]],
        reads: Sequence[str] = (),
    ) -> None:
        """Take, beside the network's settings, the interface endpoints that the stage's settings ask for.

        `reads` names buckets that may be another account's: corpus and documents that the settings name.
        """
        super().__init__(scope, construct_id)
        self._name = f"topic-model-{stage}"
        self._in_china: cdk.CfnCondition | None = None
        self.vpc = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=settings.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=[cdk.CfnTag(key="Name", value=self._name)],
        )
        acknowledge(
            self.vpc,
            everywhere(
                "VPCDefaultSecurityGroupClosed",
                "Nothing is in the default group: every function, job, model and endpoint names a group of its own, "
                "which own rules check. CloudFormation cannot change the default group's rules, and the VPC has no "
                "way to the internet.",
                packs=("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"),
            ),
        )
        self._table = ec2.CfnRouteTable(self, "Routes", vpc_id=self.vpc.ref)
        self._subnets = [self._subnet(settings, zone) for zone in range(settings.zones)]
        routed = [self._routed(subnet, zone) for zone, subnet in enumerate(self._subnets)]
        self._members, self._doors = self._security_groups(settings.cidr)
        endpoints = {**INTERFACE_ENDPOINTS, **more}
        # S3 is reached by its endpoint and by each subnet's association with the table that leads there: without both,
        # a function that is a custom resource cannot answer CloudFormation, and a destroy waits for it in vain.
        ready = [*routed, self._s3(reads), *(self._interface(name, actions) for name, actions in endpoints.items())]
        self._flow_log(key, retention, removal_policy)
        self.placement = Placement(
            subnet_ids=[subnet.ref for subnet in self._subnets],
            security_group_ids=[self._members.attr_group_id],
            ready=ready,
            made_by=settings.model_dump_json(),
        )
        for part in (self.vpc, self._table, *self._subnets, self._members, self._doors, *ready):
            # Functions and hosts of the other stacks are in it until these are deployed too.
            part.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
            part.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE

    def _subnet(self, settings: OwnNetwork, zone: int) -> ec2.CfnSubnet:
        named = settings.availability_zones
        return ec2.CfnSubnet(
            self,
            f"Subnet{zone}",
            vpc_id=self.vpc.ref,
            availability_zone=named[zone] if named else cdk.Fn.select(zone, cdk.Fn.get_azs()),
            cidr_block=cdk.Fn.select(zone, cdk.Fn.cidr(settings.cidr, settings.zones, str(SUBNET_BITS))),
            map_public_ip_on_launch=False,
            tags=[cdk.CfnTag(key="Name", value=f"{self._name}-{zone}")],
        )

    def _routed(self, subnet: ec2.CfnSubnet, zone: int) -> ec2.CfnSubnetRouteTableAssociation:
        return ec2.CfnSubnetRouteTableAssociation(
            self, f"Subnet{zone}Routes", subnet_id=subnet.ref, route_table_id=self._table.ref
        )

    def _security_groups(self, cidr: str) -> tuple[ec2.CfnSecurityGroup, ec2.CfnSecurityGroup]:
        rule = ec2.CfnSecurityGroup.IngressProperty
        out = ec2.CfnSecurityGroup.EgressProperty
        members = ec2.CfnSecurityGroup(
            self,
            "Members",
            vpc_id=self.vpc.ref,
            group_description="Functions, training instances and hosts of the topic model",
            security_group_ingress=[
                rule(cidr_ip=cidr, ip_protocol="tcp", from_port=1024, to_port=65535, description="Between instances"),
                rule(cidr_ip=cidr, ip_protocol="udp", from_port=IKE, to_port=IKE, description="IKE between instances"),
                rule(cidr_ip=cidr, ip_protocol=ESP, description="IPsec between instances"),
            ],
            security_group_egress=[
                out(cidr_ip=cidr, ip_protocol="tcp", from_port=1024, to_port=65535, description="Between instances"),
                out(cidr_ip=cidr, ip_protocol="udp", from_port=IKE, to_port=IKE, description="IKE between instances"),
                out(cidr_ip=cidr, ip_protocol=ESP, description="IPsec between instances"),
                # S3 answers by its public addresses, which only its gateway endpoint leads to: there is no other route.
                out(cidr_ip="0.0.0.0/0", ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, description="AWS by TLS"),
            ],
        )
        doors = ec2.CfnSecurityGroup(
            self,
            "Doors",
            vpc_id=self.vpc.ref,
            group_description="Interface endpoints of the topic model",
            security_group_ingress=[
                rule(cidr_ip=cidr, ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, description="Members by TLS")
            ],
            security_group_egress=[
                out(cidr_ip=cidr, ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, description="Nothing but answers")
            ],
        )
        return members, doors

    def _s3(self, reads: Sequence[str]) -> ec2.CfnVPCEndpoint:
        stack = cdk.Stack.of(self)
        own = iam.PolicyStatement(
            sid="BucketsOfThisAccount",
            principals=[iam.AnyPrincipal()],
            actions=["s3:*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:ResourceAccount": stack.account, "aws:PrincipalAccount": stack.account}},
        )
        answers = iam.PolicyStatement(
            sid="AnswersToCloudFormation",
            principals=[iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            resources=[f"arn:{stack.partition}:s3:::cloudformation-custom-resource-response-*/*"],
        )
        named = [
            iam.PolicyStatement(
                sid="NamedBuckets",
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject", "s3:ListBucket"],
                resources=[f"arn:{stack.partition}:s3:::{bucket}{part}" for bucket in reads for part in ("", "/*")],
                conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
            )
            for _ in reads[:1]
        ]
        return ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self.vpc.ref,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{stack.region}.s3",
            route_table_ids=[self._table.ref],
            policy_document=iam.PolicyDocument(statements=[own, answers, *named]),
        )

    def _interface(self, service: str, actions: tuple[str, ...]) -> ec2.CfnVPCEndpoint:
        stack = cdk.Stack.of(self)
        name = "".join(part.capitalize() for part in service.split("."))
        return ec2.CfnVPCEndpoint(
            self,
            name,
            vpc_id=self.vpc.ref,
            vpc_endpoint_type="Interface",
            service_name=self._service_name(service),
            private_dns_enabled=True,
            subnet_ids=[subnet.ref for subnet in self._subnets],
            security_group_ids=[self._doors.attr_group_id],
            policy_document=iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        principals=[iam.AnyPrincipal()],
                        actions=list(actions),
                        resources=["*"],
                        conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
                    )
                ]
            ),
        )

    def _service_name(self, service: str) -> str:
        name = f"com.amazonaws.{cdk.Stack.of(self).region}.{service}"
        if service not in NAMED_CN_IN_CHINA:
            return name
        if self._in_china is None:
            self._in_china = cdk.CfnCondition(
                self, "InChina", expression=cdk.Fn.condition_equals(cdk.Aws.PARTITION, "aws-cn")
            )
            self._in_china.override_logical_id("InChina")
        return cdk.Fn.condition_if(self._in_china.logical_id, "cn.", "").to_string() + name

    def _flow_log(self, key: kms.IKey, retention: logs.RetentionDays, removal_policy: cdk.RemovalPolicy) -> None:
        group = logs.LogGroup(self, "Flows", retention=retention, encryption_key=key, removal_policy=removal_policy)
        stack = cdk.Stack.of(self)
        role = ServiceRole(
            self,
            "FlowsRole",
            assumed_by=iam.PrincipalWithConditions(
                iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"),
                {"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
            description="The VPC's flow log: write to its log group",
        )
        role.allow("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", on=[group.log_group_arn])
        flow_log = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
        flow_log.node.add_dependency(role)
