from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from local_cloud.cloudformation.resource_schemas import HANDLERS, replaces, resource_schemas, value_at

LINT = Path(__file__).parents[3] / ".venv-lint" / "bin" / "python"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "cloudformation-handlers.json"


@pytest.mark.skipif(not SHARED.is_file(), reason="the schemas as they were read are not on this machine")
def test_the_table_says_of_each_type_what_the_registry_says() -> None:
    schemas = resource_schemas()
    read = json.loads(SHARED.read_text(encoding="utf-8"))

    assert schemas.keys() == read.keys()
    for kind, facts in read.items():
        schema = schemas[kind]
        assert list(schema.create_only) == facts["createOnly"], kind
        assert list(schema.conditional_create_only) == facts["conditionalCreateOnly"], kind
        assert list(schema.required) == facts["required"], kind
        assert all(schema.tells(path.replace("/", ".")) for path in facts["readOnly"]), kind
        for handler in HANDLERS:
            if facts["handlers"]:
                told = {permission.lower() for permission in facts["handlers"].get(handler, [])}
                assert {permission.lower() for permission in schema.permissions(handler)} == told, (kind, handler)


_ATTRIBUTES_BY_CFN_LINT = """
import json, sys
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
told = {}
for kind in json.load(sys.stdin):
    attributes = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).get_atts
    told[kind] = [name.replace(chr(92), "") for name in attributes]
print(json.dumps(told))
"""


@pytest.mark.slow
@pytest.mark.skipif(not LINT.exists(), reason="there is no .venv-lint: `make lint-templates` makes it")
def test_the_attributes_of_each_type_are_those_that_cfn_lint_takes() -> None:
    schemas = resource_schemas()
    asked = json.dumps(list(schemas))
    done = subprocess.run(
        [LINT, "-c", _ATTRIBUTES_BY_CFN_LINT], input=asked, capture_output=True, text=True, check=True
    )

    for kind, attributes in json.loads(done.stdout).items():
        assert [name for name in attributes if not schemas[kind].tells(name)] == [], kind
        heads = {name.partition(".")[0] for name in attributes}
        # The registry names an Id of endpoint configs, which cfn-lint does not know.
        known = {"Id"} if kind == "AWS::SageMaker::EndpointConfig" else set()
        assert {name.partition(".")[0] for name in schemas[kind].attributes} - known == heads, kind


def test_every_type_has_a_handler_that_makes_and_one_that_removes() -> None:
    for kind, schema in resource_schemas().items():
        assert schema.permissions("create"), kind
        assert schema.permissions("delete"), kind


def test_a_change_of_a_create_only_property_replaces_also_of_one_within_another() -> None:
    preference = {"DnsOptions": {"PrivateDnsPreference": "ALL_DOMAINS"}}

    assert replaces("AWS::EC2::VPCEndpoint", {}, preference)
    assert not replaces("AWS::EC2::VPCEndpoint", preference, preference | {"PrivateDnsEnabled": True})
    assert replaces("AWS::SNS::Topic", {"TopicName": "one"}, {"TopicName": "two"})
    assert not replaces("AWS::SNS::Topic", {"DisplayName": "one"}, {"DisplayName": "two"})


def test_a_path_goes_through_lists() -> None:
    assert value_at({"Targets": [{"Arn": "a"}, {"Arn": "b", "RoleArn": "r"}]}, "Targets/RoleArn") == ["r"]
    assert value_at({"Targets": []}, "Targets") is None
    assert value_at({"Target": {"Arn": "a"}}, "Target/RoleArn/Deeper") is None
