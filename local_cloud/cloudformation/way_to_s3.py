"""Whether a function in a VPC reaches S3, by which a custom resource answers CloudFormation. Pure.

Functions of the local cloud run outside any VPC. What AWS would cut off is told by what the templates have declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from local_cloud.shared.wire import JsonObject, Node

S3_SERVICE: Final = ".s3"
EVERYWHERE: Final = "0.0.0.0/0"
INTERNET_GATEWAY: Final = "igw-"


def cut_off(
    subnets: Iterable[str],
    *,
    known: Mapping[str, JsonObject],
    tables: Iterable[JsonObject],
    endpoints: Iterable[JsonObject],
) -> str | None:
    """Return the first of `subnets` from which S3 cannot be reached, or None.

    S3 is reached by an interface endpoint of the VPC, by a gateway endpoint of the subnet's route table, or by a route
    to everywhere. A function has no public address, so that an internet gateway is none.

    Args:
        subnets: ids of the function's subnets; one that is not `known` is somebody else's, and is not judged.
        known: subnets by their id, as EC2 describes them.
        tables: route tables as EC2 describes them.
        endpoints: VPC endpoints as EC2 describes them.
    """
    listed = [Node(table) for table in tables]
    of_s3 = [Node(entry) for entry in endpoints if Node(entry).text("ServiceName").endswith(S3_SERVICE)]
    for subnet in subnets:
        if subnet in known and not _reaches(subnet, Node(known[subnet]).text("VpcId"), listed, of_s3):
            return subnet
    return None


def _reaches(subnet: str, vpc: str, tables: list[Node], endpoints: list[Node]) -> bool:
    own = [entry for entry in endpoints if entry.text("VpcId") == vpc]
    if any(entry.text("VpcEndpointType") == "Interface" for entry in own):
        return True
    table = _table_of(subnet, [entry for entry in tables if entry.text("VpcId") == vpc])
    if table is None:
        return False
    if any(table.text("RouteTableId") in entry.texts("RouteTableIds") for entry in own):
        return True
    return any(
        route.text("DestinationCidrBlock") == EVERYWHERE and not route.text("GatewayId").startswith(INTERNET_GATEWAY)
        for route in table.nodes("Routes")
    )


def _table_of(subnet: str, tables: list[Node]) -> Node | None:
    """Return the table that the subnet is associated with, or else the VPC's main one."""
    main = None
    for table in tables:
        for association in table.nodes("Associations"):
            if association.text("SubnetId") == subnet:
                return table
            if association.flag("Main"):
                main = table
    return main
