"""CDK's validator of templates: it passes ours, is not asked twice, and is asked again whenever anything is new."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from stacks.checks import remembered
from stacks.checks.remembered import Remembered
from stacks.checks.template_validation import TemplateValidator, validators
from stacks.settings.cdk_json import merged
from tests.synths import CDK_JSON

REGION = "eu-central-1"


class Engine:
    """Passes everything in no time, and counts how often it is made."""

    made = 0

    def __call__(self, **_options: object) -> Engine:
        self.made += 1
        return self

    def validate(self, _context: object) -> cdk.PolicyValidationPluginReport:
        return cdk.PolicyValidationPluginReport(success=True, violations=[])


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(cdk, "CloudFormationValidatePlugin", made)
    return made


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "build" / "valid-templates.json"


def synthesize(memory: Path, *, title: str = "a parameter", region: str = REGION, **properties: object) -> None:
    app = cdk.App(
        builtin_cloud_formation_validation=False,
        outdir=str(memory.parent.parent / "cdk.out"),
        # Without it, CDK turns what its validator finds into warnings.
        context={"@aws-cdk/core:validateAgainstDefaultRules": True},
    )
    cdk.Validations.of(app).add_plugins(TemplateValidator(Remembered(memory)))
    stack = cdk.Stack(app, "One", description=title, env=cdk.Environment(region=region))
    cdk.CfnResource(
        stack, "Parameter", type="AWS::SSM::Parameter", properties={"Type": "String", "Value": "a", **properties}
    )
    app.synth()


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_it_passes_each_stage_without_a_word(corpus_folder: Path, memory: Path, stage: str) -> None:
    base = {"corpus": {"path": str(corpus_folder)}}
    stages = {name: merged(chosen, base) for name, chosen in CDK_JSON["context"]["stages"].items()}
    app = cdk.App(
        builtin_cloud_formation_validation=False,
        outdir=str(memory.parent.parent / "cdk.out"),
        context={**CDK_JSON["context"], "stages": stages, "stage": stage},
    )
    cdk.Validations.of(app).add_plugins(TemplateValidator(Remembered(memory)))
    application.build(app)

    app.synth()

    # Only what passes without even a warning is remembered.
    assert memory.exists()


def test_the_same_templates_are_not_validated_twice(memory: Path, engine: Engine) -> None:
    synthesize(memory)
    synthesize(memory)

    assert engine.made == 1


@pytest.mark.parametrize("change", [{"title": "another"}, {"region": "eu-west-1"}, {"Value": "b"}])
def test_another_template_or_place_is_validated(memory: Path, engine: Engine, change: dict[str, Any]) -> None:
    synthesize(memory)
    synthesize(memory, **change)

    assert engine.made == 2


def test_another_version_of_cdk_validates_again(memory: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesize(memory)
    monkeypatch.setattr(remembered, "version_of", lambda _name: "2.0.0")
    synthesize(memory)

    assert engine.made == 2


def test_what_is_wrong_is_refused_each_time(memory: Path) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            synthesize(memory, Valeu="b")

    assert not memory.exists()


def test_a_warning_is_told_each_time(memory: Path) -> None:
    report = memory.parent.parent / "cdk.out" / "validation-report.json"
    for _ in range(2):
        report.unlink(missing_ok=True)
        synthesize(memory, Type="Strong")
        assert "'Strong' is not one of" in report.read_text()

    assert not memory.exists()


def test_a_validator_that_fails_fails_the_synth(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "version_of", None)

    with pytest.raises(RuntimeError, match="'CloudFormation Validate' failed"):
        synthesize(memory)


@pytest.mark.parametrize("content", ["{", '["not", "an object"]', ""])
def test_a_memory_that_cannot_be_read_is_none(memory: Path, engine: Engine, content: str) -> None:
    memory.parent.mkdir()
    memory.write_text(content)

    synthesize(memory)
    synthesize(memory)

    assert engine.made == 1


def test_a_memory_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "file").touch()

    synthesize(tmp_path / "file" / "valid-templates.json")

    assert engine.made == 1


def test_the_memory_does_not_grow_for_ever(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_REMEMBERED", 2)
    kept = Remembered(memory)

    for asked in ("one", "two", "three"):
        kept.remember(asked, answer=True)

    assert list(kept.all()) == ["two", "three"]
    assert [file.name for file in memory.parent.iterdir()] == [memory.name]


def test_where_the_environment_turns_validation_off_there_is_none(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    assert validators(Remembered(memory)) == []

    monkeypatch.delenv("CDK_VALIDATION")
    assert [type(validator) for validator in validators(Remembered(memory))] == [TemplateValidator]


def test_it_is_known_to_cdk_by_its_validators_name(memory: Path) -> None:
    assert (
        TemplateValidator(Remembered(memory)).name == cdk.CloudFormationValidatePlugin(include_default_rules=False).name
    )


def test_the_rules_that_it_goes_without_are_on_game_servers_alone() -> None:
    [package] = (Path(cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(package) as archive:
        rules = [archive.extractfile(file) for file in archive if file.name.endswith(".rego")]
        about = {line for file in rules if file for line in file.read().decode().splitlines() if "package " in line[:8]}

    assert about == {"package cdk_rules.gamelift"}
