from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks import regions
from stacks.errors import SynthError
from tests.templates.conftest import Synthesize, Templates, build


@pytest.mark.parametrize("region", sorted(regions.REGISTRY_ACCOUNTS))
def test_a_region_with_ntm_gets_templates_that_name_no_other_partition(synthesize: Synthesize, region: str) -> None:
    url = {"enabled": regions.region(region).function_url is not False}

    templates = synthesize({"region": region, "url": url})

    text = json.dumps([template.to_json() for template in templates.values()])
    assert "arn:aws:" not in text
    assert (len(templates["serving"].find_resources("AWS::Lambda::Url")) == 1) is url["enabled"]


def test_a_region_without_ntm_makes_no_templates(corpus_folder: Path) -> None:
    with pytest.raises(SynthError, match="SageMaker has no NTM image"):
        build(corpus_folder, {"region": "ap-southeast-5"})


def named(templates: Templates) -> set[str]:
    """Every name that a template fixes, which two stages in one account must not share."""
    names = {"EndpointName", "FunctionName", "LogGroupName", "StateMachineName", "DashboardName", "ExportName"}
    found = set()
    for template in templates.values():
        for resource in template.to_json()["Resources"].values():
            for key, value in resource.get("Properties", {}).items():
                if key in names and isinstance(value, str):
                    found.add(f"{key} {value}")
            if resource["Type"] == "AWS::SSM::Parameter":
                found.add(resource["Properties"]["Name"])
        for output in template.to_json().get("Outputs", {}).values():
            if "Export" in output:
                found.add(str(output["Export"]["Name"]))
    return found


def test_two_stages_in_one_account_share_no_name(dev: Templates, prod: Templates) -> None:
    assert named(dev)
    assert named(dev) & named(prod) == set()


def test_the_same_settings_make_the_same_templates_byte_for_byte(corpus_folder: Path) -> None:
    first, second = (
        json.dumps([template.to_json() for template in build(corpus_folder, {}).values()]) for _ in range(2)
    )

    assert first == second


def test_each_template_says_whose_it_is_and_what_it_promises(dev: Templates, prod: Templates) -> None:
    for stage, templates, hardened in (("dev", dev, False), ("prod", prod, True)):
        for template in templates.values():
            assert template.to_json()["Metadata"] == {"TopicModelStage": {"Name": stage, "Hardened": hardened}}
