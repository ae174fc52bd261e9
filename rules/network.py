"""Rules on the stage's own VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, JsonValue, Rule, Template, items, mapping, objects, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VPC: Final = "AWS::EC2::VPC"
ENDPOINT: Final = "AWS::EC2::VPCEndpoint"
WAYS_OUT: Final = (
    "AWS::EC2::InternetGateway",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::NatGateway",
    "AWS::EC2::EIP",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::TransitGatewayAttachment",
)
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
HTTPS: Final = 443
PUBLIC_ADDRESS: Final = "MapPublicIpOnLaunch"


def reaches_everywhere(entry: Mapping[str, JsonValue]) -> bool:
    """Tell whether a security group's entry is about every address."""
    return entry.get("CidrIp") in EVERYWHERE or entry.get("CidrIpv6") in EVERYWHERE


def is_https(entry: Mapping[str, JsonValue]) -> bool:
    """Tell whether an entry is about TLS alone: what goes to S3 by its public addresses, through its endpoint."""
    return entry.get("IpProtocol") == "tcp" and entry.get("FromPort") == entry.get("ToPort") == HTTPS


@rule("TM-VPC-NO-WAY-OUT", "The stage's own VPC has no way to the internet", "Documents could leave by it")
def no_way_out(template: Template) -> Iterator[Fault]:
    """Look for gateways, public addresses, peerings and routes to everywhere."""
    for resource in template.resources(*WAYS_OUT):
        yield Fault(resource.logical_id, "Type", f"{resource.type} is a way out of the VPC")
    for route in template.resources("AWS::EC2::Route"):
        if route.get("DestinationCidrBlock") in EVERYWHERE or route.get("DestinationIpv6CidrBlock") in EVERYWHERE:
            yield Fault(route.logical_id, "Properties/DestinationCidrBlock", "the route leads everywhere")
    for subnet in template.resources("AWS::EC2::Subnet"):
        if subnet.get(PUBLIC_ADDRESS) is True:
            yield Fault(subnet.logical_id, f"Properties/{PUBLIC_ADDRESS}", "the subnet gives out public addresses")


@rule(
    "TM-VPC-GROUPS",
    "Security groups let nobody in from everywhere, and out by TLS only",
    "Other hosts could reach the service's own",
)
def groups(template: Template) -> Iterator[Fault]:
    """Look at what security groups let in and out."""
    for group in template.resources("AWS::EC2::SecurityGroup"):
        for direction in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for number, entry in enumerate(objects(group.get(direction))):
                if reaches_everywhere(entry) and not (direction == "SecurityGroupEgress" and is_https(entry)):
                    path = f"Properties/{direction}/{number}"
                    yield Fault(group.logical_id, path, "the security group is open to every address")
        if not items(group.get("SecurityGroupEgress")):
            path = "Properties/SecurityGroupEgress"
            yield Fault(group.logical_id, path, "a group that says nothing of what goes out lets everything out")
    for rule_ in template.resources("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        outward = rule_.type == "AWS::EC2::SecurityGroupEgress"
        if reaches_everywhere(rule_.properties) and not (outward and is_https(rule_.properties)):
            yield Fault(rule_.logical_id, "Properties", "the security group is open to every address")


@rule(
    "TM-VPC-ENDPOINT-POLICY", "A VPC endpoint says whom it serves", "Data could be copied through it to other accounts"
)
def endpoint_policy(template: Template) -> Iterator[Fault]:
    """Look for statements that allow everything to everybody."""
    for endpoint in template.resources(ENDPOINT):
        statements = objects(endpoint.get("PolicyDocument", "Statement"))
        if not statements:
            yield Fault(endpoint.logical_id, "Properties/PolicyDocument", "the endpoint has AWS's policy: allow all")
        for number, statement in enumerate(statements):
            free = not statement.get("Condition") and "*" in items(statement.get("Resource"))
            if statement.get("Effect") == "Allow" and free:
                path = f"Properties/PolicyDocument/Statement/{number}"
                yield Fault(endpoint.logical_id, path, "the endpoint serves every resource of every account")


@rule("TM-VPC-ENDPOINT-NAMES", "Interface endpoints answer to the services' names", "SDKs would find no way to AWS")
def endpoint_names(template: Template) -> Iterator[Fault]:
    """Look at private DNS."""
    for endpoint in template.resources(ENDPOINT):
        if endpoint.get("VpcEndpointType") == "Interface" and endpoint.get("PrivateDnsEnabled") is not True:
            yield Fault(endpoint.logical_id, "Properties/PrivateDnsEnabled", "the endpoint has no private name")


@rule("TM-VPC-FLOW-LOGS", "The VPC's traffic is logged", "Nobody could tell what tried to leave")
def flow_logs(template: Template) -> Iterator[Fault]:
    """Look for a flow log of each VPC."""
    logged = {
        str(mapping(log.get("ResourceId")).get("Ref"))
        for log in template.resources("AWS::EC2::FlowLog")
        if log.get("TrafficType") in {"ALL", "REJECT"}
    }
    for vpc in template.resources(VPC):
        if vpc.logical_id not in logged:
            yield Fault(vpc.logical_id, "Properties", "the VPC's traffic is not logged")


RULES: Final[tuple[Rule, ...]] = (no_way_out, groups, endpoint_policy, endpoint_names, flow_logs)
