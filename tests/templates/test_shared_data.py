"""What the training and serving stacks take from the data stack: parameters, and no exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.templates.conftest import Synthesize, Templates

KEPT = json.loads((Path(__file__).parent / "exports_0.1.0.json").read_text())
"""Names and values of the exports of release 0.1.0, as its own stacks import them, by settings."""
SETTINGS: dict[str, dict[str, object]] = {
    "plain": {},
    "own": {"network": {"kind": "own", "zones": 3}, "capture": {}},
    "s3": {"corpus": {"s3": {"bucket": "other-bucket", "prefix": f"x/{'a' * 64}"}}},
    "retraining": {"retraining": {}},
}


@pytest.fixture(params=SETTINGS)
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def templates(synthesize: Synthesize, which: str) -> Templates:
    return synthesize(SETTINGS[which])


def test_no_stack_imports_what_another_exports(templates: Templates) -> None:
    assert "Fn::ImportValue" not in json.dumps([template.to_json() for template in templates.values()])


def test_every_parameter_that_a_template_reads_is_written_by_the_data_stack_and_used(templates: Templates) -> None:
    written = {body["Properties"]["Name"] for body in templates["data"].find_resources("AWS::SSM::Parameter").values()}
    for part in ("training", "serving"):
        body = templates[part].to_json()
        read = {name: told["Default"] for name, told in body["Parameters"].items() if name.startswith("Data")}
        assert read
        assert set(read.values()) <= written
        used = set(re.findall(r'{"Ref": "(Data\w+)"}', json.dumps([body["Resources"], body.get("Outputs")])))
        used |= set(re.findall(r"\${(Data\w+)}", json.dumps(body["Resources"])))
        assert read.keys() <= used


def test_every_export_of_the_last_release_is_kept_with_its_value(templates: Templates, which: str) -> None:
    exported = {
        output["Export"]["Name"]: output["Value"]
        for output in templates["data"].to_json()["Outputs"].values()
        if "Export" in output
    }

    assert exported == KEPT[which]


def test_no_function_may_write_what_the_data_stack_tells(templates: Templates) -> None:
    for template in templates.values():
        for policy in template.find_resources("AWS::IAM::ManagedPolicy").values():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                if "topic-model-data" in json.dumps(statement["Resource"]):
                    assert set(actions) <= {"ssm:GetParameters"}


def test_another_network_of_the_stages_own_publishes_the_function_behind_the_url_anew(synthesize: Synthesize) -> None:
    versions = [
        set(synthesize({"network": {"kind": "own", "cidr": cidr}})["serving"].find_resources("AWS::Lambda::Version"))
        for cidr in ("10.42.0.0/20", "10.43.0.0/20")
    ]

    assert versions[0].isdisjoint(versions[1])


def test_a_replaced_network_stays_until_nothing_is_in_it(synthesize: Synthesize) -> None:
    resources = synthesize({"network": {"kind": "own"}})["data"].to_json()["Resources"]
    parts = {
        name: body.get("UpdateReplacePolicy")
        for name, body in resources.items()
        if body["Type"].startswith("AWS::EC2::") and body["Type"] != "AWS::EC2::FlowLog"
    }

    assert len(parts) > 10
    assert set(parts.values()) == {"Retain"}
