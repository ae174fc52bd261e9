"""Templates are read by people: everything that can say what it is does, and nothing is left over."""

from __future__ import annotations

import json

import pytest

from tests.templates.conftest import Synthesize, Templates

DESCRIBED = {
    "AWS::CloudWatch::Alarm": "AlarmDescription",
    "AWS::EC2::SecurityGroup": "GroupDescription",
    "AWS::Events::Rule": "Description",
    "AWS::IAM::ManagedPolicy": "Description",
    "AWS::IAM::Role": "Description",
    "AWS::KMS::Key": "Description",
    "AWS::Lambda::Alias": "Description",
    "AWS::Lambda::Function": "Description",
    "AWS::SSM::Parameter": "Description",
}
"""The types among ours that have room for it, and where."""

OTHER_CORPUS = {"corpus": {"s3": {"bucket": "somebodys-corpora", "prefix": f"prepared/{'0' * 64}"}}}


@pytest.fixture(scope="module", params=["dev", "prod", "corpus_in_s3"])
def templates(request: pytest.FixtureRequest, synthesize: Synthesize) -> Templates:
    if request.param == "corpus_in_s3":
        return synthesize(OTHER_CORPUS)
    found: Templates = request.getfixturevalue(request.param)
    return found


def test_every_resource_that_can_says_what_it_is_for(templates: Templates) -> None:
    silent = [
        name
        for template in templates.values()
        for name, resource in template.to_json()["Resources"].items()
        if resource["Type"] in DESCRIBED and not resource["Properties"].get(DESCRIBED[resource["Type"]])
    ]

    assert silent == []


def test_every_template_parameter_and_output_says_what_it_is(templates: Templates) -> None:
    for template in templates.values():
        body = template.to_json()
        assert body["Description"]
        for section in ("Parameters", "Outputs"):
            for name, each in body.get(section, {}).items():
                # CDK's own parameter, of the bootstrap's version, among them.
                assert each.get("Description"), name


def test_every_mapping_and_parameter_is_used(templates: Templates) -> None:
    for template in templates.values():
        body = template.to_json()
        used = json.dumps(body["Resources"]) + json.dumps(body.get("Rules", {}))
        assert all(f'"{name}"' in used for name in [*body.get("Mappings", {}), *body.get("Parameters", {})])
