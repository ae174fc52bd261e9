from __future__ import annotations

import pytest

from local_cloud.cloudformation.way_to_s3 import cut_off
from local_cloud.shared.wire import JsonObject

KNOWN: dict[str, JsonObject] = {"subnet-1": {"VpcId": "vpc-1"}, "subnet-2": {"VpcId": "vpc-1"}}
GATEWAY: JsonObject = {
    "VpcId": "vpc-1",
    "VpcEndpointType": "Gateway",
    "ServiceName": "com.amazonaws.eu-west-1.s3",
    "RouteTableIds": ["rtb-1"],
}


def table(*associations: JsonObject, name: str = "rtb-1", routes: tuple[JsonObject, ...] = ()) -> JsonObject:
    return {"RouteTableId": name, "VpcId": "vpc-1", "Associations": list(associations), "Routes": list(routes)}


MAIN: JsonObject = table({"Main": True}, name="rtb-main")


def test_a_subnet_reaches_s3_by_the_gateway_endpoint_of_its_table() -> None:
    tables = [MAIN, table({"SubnetId": "subnet-1"})]

    assert cut_off(["subnet-1"], known=KNOWN, tables=tables, endpoints=[GATEWAY]) is None


@pytest.mark.parametrize(
    ("tables", "endpoints"),
    [([MAIN, table({"SubnetId": "subnet-1"})], []), ([MAIN, table()], [GATEWAY]), ([], [GATEWAY])],
    ids=["no endpoint", "no association", "no table"],
)
def test_without_endpoint_or_association_a_subnet_is_cut_off(
    tables: list[JsonObject], endpoints: list[JsonObject]
) -> None:
    assert cut_off(["subnet-1"], known=KNOWN, tables=tables, endpoints=endpoints) == "subnet-1"


def test_one_subnet_without_a_way_is_enough_to_be_cut_off() -> None:
    tables = [MAIN, table({"SubnetId": "subnet-1"})]

    assert cut_off(["subnet-1", "subnet-2"], known=KNOWN, tables=tables, endpoints=[GATEWAY]) == "subnet-2"


def test_a_subnet_without_a_table_of_its_own_goes_by_the_main_one() -> None:
    assert cut_off(["subnet-1"], known=KNOWN, tables=[table({"Main": True})], endpoints=[GATEWAY]) is None


@pytest.mark.parametrize(("target", "cut"), [({"NatGatewayId": "nat-1"}, None), ({"GatewayId": "igw-1"}, "subnet-1")])
def test_a_nat_gateway_leads_to_s3_and_an_internet_gateway_does_not(target: JsonObject, cut: str | None) -> None:
    route = {"DestinationCidrBlock": "0.0.0.0/0", **target}
    tables = [table({"SubnetId": "subnet-1"}, routes=(route,))]

    assert cut_off(["subnet-1"], known=KNOWN, tables=tables, endpoints=[]) == cut


def test_an_interface_endpoint_of_the_vpc_leads_to_s3() -> None:
    interface: JsonObject = {**GATEWAY, "VpcEndpointType": "Interface", "RouteTableIds": []}

    assert cut_off(["subnet-1"], known=KNOWN, tables=[MAIN], endpoints=[interface]) is None


def test_a_subnet_that_the_account_does_not_have_here_is_not_judged() -> None:
    assert cut_off(["subnet-0123abcd"], known=KNOWN, tables=[], endpoints=[]) is None
