"""The three templates of a stage with every reference put in: names and ARNs as CloudFormation would make them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rules.model import JsonValue, items, mapping

PARTS = ("data", "training", "serving")
ACCOUNT, REGION = "123456789012", "us-east-1"
_SUFFIX = "X1X2X3X4X5X6"
_PSEUDO: Mapping[str, JsonValue] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Alias": "lambda:{region}:{account}:function:{function}:{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::Version": "lambda:{region}:{account}:function:{function}:1",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::S3Vectors::Index": "s3vectors:{region}:{account}:bucket/{bucket}/index/{name}",
    "AWS::S3Vectors::VectorBucket": "s3vectors:{region}:{account}:bucket/{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SageMaker::Endpoint": "sagemaker:{region}:{account}:endpoint/{name}",
    "AWS::SageMaker::EndpointConfig": "sagemaker:{region}:{account}:endpoint-config/{name}",
    "AWS::SageMaker::Model": "sagemaker:{region}:{account}:model/{name}",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:{region}:{account}:model-package-group/{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
_IN_LOWER_CASE = frozenset({"AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3Vectors::VectorBucket"})
_REFERRED_TO_BY_ARN = frozenset(
    {
        "AWS::IAM::ManagedPolicy", "AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::S3Vectors::Index",
        "AWS::S3Vectors::VectorBucket",
        "AWS::SNS::Topic", "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model",
        "AWS::StepFunctions::StateMachine",
    }
)  # fmt: skip
_NAMED_BY = (
    "RoleName", "ManagedPolicyName", "FunctionName", "LogGroupName", "EndpointName", "StateMachineName", "Name",
    "AlarmName", "DashboardName", "ModelPackageGroupName", "QueueName", "TopicName", "BucketName",
    "IndexName",
)  # fmt: skip
_ATTRIBUTES_THAT_ARE_ARNS = re.compile(r"(Arn|Arn\.\w+)$")
_VARIABLE = re.compile(r"\$\{([^!}]+)\}")


@dataclass(frozen=True)
class Made:
    """One resource as it would be there."""

    part: str
    logical_id: str
    type: str
    name: str
    arn: str
    reference: str
    """What a Ref to it gives, its physical id."""
    properties: Mapping[str, JsonValue]
    waits_for: frozenset[str]
    """The logical ids of what it refers to or depends on, of the same stack."""


class Assembly:
    """What a stage's templates would make."""

    def __init__(self, stage: str, templates: Mapping[str, Any], folder: Path | None = None) -> None:
        self.stage, self.templates, self.folder = stage, templates, folder
        self._exports: dict[str, tuple[str, JsonValue]] = {}
        self._parameters: dict[str, tuple[str, JsonValue]] = {}
        for part, template in self.templates.items():
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::SSM::Parameter" and isinstance(resource["Properties"].get("Name"), str):
                    self._parameters[resource["Properties"]["Name"]] = part, resource["Properties"]["Value"]
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    self._exports[str(output["Export"]["Name"])] = part, output["Value"]

    @classmethod
    def read(cls, stage: str, folder: Path) -> Assembly:
        """Read what a synth wrote."""
        texts = {part: folder / f"TopicModel-{stage}-{part.capitalize()}.template.json" for part in PARTS}
        return cls(stage, {part: json.loads(file.read_text(encoding="utf-8")) for part, file in texts.items()}, folder)

    def stack(self, part: str) -> str:
        """The name of the stack of a part."""
        return f"TopicModel-{self.stage}-{part.capitalize()}"

    @cached_property
    def resources(self) -> list[Made]:
        """Everything."""
        return [
            self.made(part, logical_id)
            for part, template in self.templates.items()
            for logical_id in template["Resources"]
        ]

    def of(self, *types: str, part: str | None = None) -> Iterator[Made]:
        """The resources of these types."""
        yield from (each for each in self.resources if each.type in types and part in (None, each.part))

    def made(self, part: str, logical_id: str) -> Made:
        """One resource."""
        body = self.templates[part]["Resources"][logical_id]
        known = set(self.templates[part]["Resources"])
        waits = {name for name in _referred(body) if name in known} | {
            str(name) for name in items(body.get("DependsOn"))
        }
        return Made(
            part,
            logical_id,
            body["Type"],
            self._name(part, logical_id),
            self._arn(part, logical_id),
            str(self._ref(part, logical_id)),
            mapping(self.resolved(part, body.get("Properties", {}))),
            frozenset(waits),
        )

    def behind(self, part: str, logical_id: str) -> set[str]:
        """The logical ids of all that a resource waits for, and that waits for its removal."""
        waits = {each.logical_id: each.waits_for for each in self.resources if each.part == part}
        seen: set[str] = set()
        open_ = [logical_id]
        while open_:
            new = waits[open_.pop()] - seen
            seen |= new
            open_ += new
        return seen

    def resolved(self, part: str, value: JsonValue) -> JsonValue:
        """A value of a template of `part`, its functions worked out."""
        if isinstance(value, list):
            return [each for each in (self.resolved(part, each) for each in value) if each != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, given)] = value.items()
            if name in {"Ref", "Fn::GetAtt"} or name.startswith("Fn::"):
                return self._function(part, name, given)
        return {key: self.resolved(part, each) for key, each in value.items()}

    def _function(self, part: str, name: str, given: JsonValue) -> JsonValue:  # noqa: PLR0911
        if name == "Ref":
            return self._ref(part, str(given))
        if name == "Fn::GetAtt":
            logical_id, attribute = (str(each) for each in items(given))
            return self._attribute(part, logical_id, attribute)
        if name == "Fn::ImportValue":
            return self.resolved(*self._exports[str(given)])
        if name == "Fn::Sub" and isinstance(given, str):
            return _VARIABLE.sub(lambda found: str(self._variable(part, found[1])), given)
        values = [self.resolved(part, each) for each in items(given)]
        if name == "Fn::Join":
            return str(values[0]).join(str(each) for each in items(values[1]))
        if name == "Fn::Split":
            return list(str(values[1]).split(str(values[0])))
        if name == "Fn::Select" and isinstance(values[1], list):
            return values[1][int(str(values[0]))]
        if name == "Fn::If":
            return values[1]
        # Of zones, address ranges and mappings nothing here depends.
        return [f"{name}-{number}" for number in range(4)] if name in {"Fn::GetAZs", "Fn::Cidr"} else f"<{name}>"

    def _variable(self, part: str, name: str) -> JsonValue:
        logical_id, _, attribute = name.partition(".")
        return self._attribute(part, logical_id, attribute) if attribute else self._ref(part, name)

    def _ref(self, part: str, name: str) -> JsonValue:  # noqa: PLR0911
        if name == "AWS::NoValue":
            return {"Ref": name}
        if name == "AWS::StackName":
            return self.stack(part)
        if name == "AWS::StackId":
            return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.stack(part)}/0f1e2d3c-aaaa-bbbb-cccc-01"
        if name in _PSEUDO:
            return _PSEUDO[name]
        parameter = mapping(self.templates[part].get("Parameters")).get(name)
        if parameter is not None and str(mapping(parameter).get("Default")) in self._parameters:
            # What another stack of the stage writes, and this one reads.
            return self.resolved(*self._parameters[str(mapping(parameter)["Default"])])
        if parameter is not None:
            given = mapping(parameter)
            is_list = "List<" in str(given["Type"])
            return (
                [f"topic-model-{self.stage}-{number}" for number in range(20)]
                if is_list
                else str(given.get("Default", name))
            )
        kind = self.templates[part]["Resources"][name]["Type"]
        return self._arn(part, name) if kind in _REFERRED_TO_BY_ARN else self._name(part, name)

    def _attribute(self, part: str, logical_id: str, attribute: str) -> JsonValue:
        kind = self.templates[part]["Resources"][logical_id]["Type"]
        if _ATTRIBUTES_THAT_ARE_ARNS.search(attribute) and kind in _ARNS:
            return self._arn(part, logical_id)
        return self._name(part, logical_id)

    def _name(self, part: str, logical_id: str) -> str:
        body = self.templates[part]["Resources"][logical_id]
        properties = body.get("Properties", {})
        named = next((properties[name] for name in _NAMED_BY if isinstance(properties.get(name), (str, dict))), None)
        if named is not None and body["Type"] not in {"AWS::Lambda::Version", "AWS::Lambda::Permission"}:
            return str(self.resolved(part, named))
        name = f"{self.stack(part)}-{logical_id}-{_SUFFIX}"
        return name.lower() if body["Type"] in _IN_LOWER_CASE else name

    def _arn(self, part: str, logical_id: str) -> str:
        body = self.templates[part]["Resources"][logical_id]
        form = _ARNS.get(body["Type"])
        if form is None:
            return f"<{logical_id}>"
        function = ""
        bucket = str(self.resolved(part, body.get("Properties", {}).get("VectorBucketArn"))).rpartition("/")[2]
        if "{function}" in form:
            function = str(self.resolved(part, body["Properties"]["FunctionName"])).rpartition(":function:")[2]
            name = str(self.resolved(part, body["Properties"].get("Name", "1")))
        else:
            name = self._name(part, logical_id)
        return "arn:aws:" + form.format(region=REGION, account=ACCOUNT, name=name, function=function, bucket=bucket)


def _referred(value: JsonValue) -> Iterator[str]:
    """The names that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _referred(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield str(each)
            elif key == "Fn::GetAtt":
                yield str(items(each)[0])
            elif key == "Fn::Sub" and isinstance(each, str):
                yield from (found.partition(".")[0] for found in _VARIABLE.findall(each))
            else:
                yield from _referred(each)
