from __future__ import annotations

import pytest

from local_cloud.cloudformation.conditions import joins_resolved
from local_cloud.shared.wire import JsonValue

PARAMETERS: dict[str, dict[str, JsonValue]] = {"Accounts": {"Value": "1,2"}, "None": {"Value": ""}}


@pytest.mark.parametrize(
    ("join", "text"),
    [
        (["", {"Ref": "None"}], ""),
        (["", {"Ref": "Accounts"}], "12"),
        (["-", ["a", {"Ref": "Accounts"}, {"Ref": "AWS::Region"}]], "a-1,2-AWS::Region"),
    ],
)
def test_what_a_condition_joins_is_compared_as_one_string(join: list[JsonValue], text: str) -> None:
    condition: JsonValue = {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": join}]}]}

    assert joins_resolved(condition, PARAMETERS) == {"Fn::Not": [{"Fn::Equals": ["", text]}]}
