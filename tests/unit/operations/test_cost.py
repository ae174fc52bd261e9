from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from operations.cost import prices
from operations.cost.__main__ import main, report
from operations.cost.lines import HOURS, Bill, bill
from rules.model import JsonValue, Template

PRICES = prices.read(prices.FILE)


def of(**resources: Mapping[str, JsonValue]) -> Bill:
    """The bill of a stack of these resources."""
    body: dict[str, JsonValue] = {name: {**each} for name, each in resources.items()}
    return bill([Template("TopicModel-dev-Data", {"Resources": body})], PRICES)


def config(kind: str, count: int) -> Mapping[str, JsonValue]:
    variant: dict[str, JsonValue] = {"InstanceType": kind, "InitialInstanceCount": count}
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}


def machine(count: JsonValue) -> Mapping[str, JsonValue]:
    job = {
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {"ResourceConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": count}},
    }
    definition = json.dumps({"States": {"Train": job}})
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": definition}}


def test_hosts_run_day_and_night() -> None:
    found = of(Config=config("ml.m5.large", 2))

    assert [(line.resource, line.says) for line in found.fixed] == [("Config", f"2 x ml.m5.large x {HOURS} h")]
    assert found.total == pytest.approx(2 * HOURS * 0.115)


def test_an_interface_endpoint_is_paid_in_each_zone_and_a_gateway_endpoint_is_not() -> None:
    subnets: list[JsonValue] = ["one", "two", "three"]
    interface: dict[str, JsonValue] = {"VpcEndpointType": "Interface", "SubnetIds": subnets}
    found = of(
        Interface={"Type": "AWS::EC2::VPCEndpoint", "Properties": interface},
        Gateway={"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}},
    )

    assert {line.resource: line.usd for line in found.fixed} == {"Interface": pytest.approx(21.9), "Gateway": 0}
    assert [line.resource for line in found.by_use] == ["Interface"]


def test_a_job_is_by_use_at_the_price_of_all_its_instances() -> None:
    train = of(Pipeline=machine(2)).by_use[1]

    assert train.says == "2 x ml.c5.xlarge for the job Train"
    assert train.usd == pytest.approx(0.408)


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (config("ml.p3.2xlarge", 1), "AWS::SageMaker::EndpointConfig: ml.p3.2xlarge"),
        ({"Type": "AWS::Unheard::Of", "Properties": {}}, "AWS::Unheard::Of"),
        (machine("${Count}"), "ml.c5.xlarge, of a number that is not in the template"),
        (
            {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {"ProductionVariants": [{"ServerlessConfig": {"MemorySizeInMB": 2048}}]},
            },
            "serverless inference of 2048 MB",
        ),
        (
            {"Type": "AWS::Lambda::Function", "Properties": {"SnapStart": {"ApplyOn": "PublishedVersions"}}},
            "snapshots",
        ),
    ],
    ids=["an instance type", "a type", "a count", "serverless", "snapshots"],
)
def test_what_has_no_known_price_is_named_and_counted_as_nothing(resource: Mapping[str, JsonValue], says: str) -> None:
    found = of(Odd=resource)

    assert found.total == 0
    assert [where for where, _ in found.unpriced] == ["TopicModel-dev-Data/Odd"]
    assert any(line.startswith("Not priced: 1 x ") and says in line for line in report(found, PRICES))


def test_a_line_names_the_construct_where_the_template_tells_it() -> None:
    found = of(Key1={"Type": "AWS::KMS::Key", "Metadata": {"aws:cdk:path": "TopicModel-dev-Data/Key/Resource"}})

    assert any("TopicModel-dev-Data/Key/Resource (Key1)" in line for line in report(found, PRICES))


def test_every_price_that_was_used_is_told_with_its_page_and_date() -> None:
    lines = list(report(of(Key1={"Type": "AWS::KMS::Key"}), PRICES))

    assert [line for line in lines if line.startswith("Source")] == [
        "Source: key, 1 USD per month: https://aws.amazon.com/kms/pricing/, 2026-12-01"
    ]


def test_another_regions_prices_stand_in_place_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = {"usd": 1.5, "per": "month", "page": "https://example.com/prices", "read": "2026-11-30"}
    (tmp_path / "prices.json").write_text(json.dumps({"region": "eu-west-1", "prices": {"key": key}}))
    template = {"Resources": {"Key1": {"Type": "AWS::KMS::Key"}, "Alarm1": {"Type": "AWS::CloudWatch::Alarm"}}}
    (tmp_path / "TopicModel-dev-Data.template.json").write_text(json.dumps(template))

    assert main(["--assembly", str(tmp_path), "--prices", str(tmp_path / "prices.json")]) == 0
    out = capsys.readouterr().out
    assert "in eu-west-1" in out
    assert "1.50  in all" in out
    assert "Not priced: 1 x AWS::CloudWatch::Alarm: alarm" in out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no JSON", "Invalid JSON"),
        ('{"region": "eu-west-1"}', "prices: Field required"),
        (
            '{"region": "x", "prices": {"key": {"usd": -1, "per": "m", "page": "https://x", "read": "2026-01-01"}}}',
            "prices.key.usd",
        ),
        ('{"region": "x", "prices": {"key": {"usd": 1, "per": "m", "page": "https://x"}}}', "prices.key.read"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_file_of_prices_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    file = tmp_path / "prices.json"
    if text is not None:
        file.write_text(text)

    assert main(["--assembly", str(tmp_path), "--prices", str(file)]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_without_templates_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--assembly", str(tmp_path)]) == 2
    assert "has no template of a stage" in capsys.readouterr().err
