from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rules.engine import Template, check_all
from stacks.settings.stage import StageSettings
from tests.synths import synth
from tests.templates.conftest import Synthesize, Templates, build
from tests.templates.test_least_privilege import WITHOUT_A_RESOURCE, listed, on_every_resource

SWEEP: dict[str, Any] = {"sweep": {}}
SCHEDULE: dict[str, Any] = {"transform": {"schedule": "rate(7 days)"}}


@pytest.fixture(scope="module")
def swept(synthesize: Synthesize) -> Templates:
    """The dev stage with sweeps."""
    return synthesize(SWEEP)


@pytest.fixture(scope="module")
def prod_swept(corpus_folder: Path) -> Templates:
    """The prod stage with sweeps, and with the transform's schedule."""
    return build(corpus_folder, SWEEP | SCHEDULE, stage="prod")


def machine(templates: Templates) -> dict[str, Any]:
    """The sweep's definition."""
    machines = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    [found] = [each["Properties"] for each in machines if each["Properties"]["StateMachineName"].endswith("-sweep")]
    return dict(found)


def definition(templates: Templates) -> dict[str, Any]:
    states: dict[str, Any] = json.loads(machine(templates)["DefinitionString"])["States"]
    return states


def training_request(templates: Templates) -> dict[str, Any]:
    """What the training pipeline sends to CreateTrainingJob."""
    machines = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    [text] = [each["Properties"]["DefinitionString"] for each in machines
              if each["Properties"]["StateMachineName"].endswith("-training")]  # fmt: skip
    parameters: dict[str, Any] = json.loads(text)["States"]["Train"]["Parameters"]
    return parameters


def job(templates: Templates) -> dict[str, Any]:
    parameters: dict[str, Any] = definition(templates)["TrainEach"]["ItemProcessor"]["States"]["Train"]["Parameters"]
    return parameters


def of_role(templates: Templates, name: str) -> list[dict[str, Any]]:
    policies = templates["training"].find_resources("AWS::IAM::ManagedPolicy")
    [policy] = [policy for logical_id, policy in policies.items() if logical_id.startswith(name)]
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def test_a_stage_without_the_setting_has_none(dev: Templates) -> None:
    assert not [name for name in dev["training"].to_json()["Resources"] if name.startswith("Sweep")]


def test_the_setting_adds_to_the_training_stack_alone_and_changes_nothing_in_it(
    dev: Templates, swept: Templates
) -> None:
    resources = swept["training"].to_json()["Resources"]
    others = {name: body for name, body in resources.items() if not name.startswith("Sweep")}

    assert others == dev["training"].to_json()["Resources"]
    assert swept["serving"].to_json() == dev["serving"].to_json()


def test_a_job_is_the_trainings_own_but_for_what_a_sweep_varies(swept: Templates) -> None:
    training, sweep = training_request(swept), job(swept)
    same = ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition", "OutputDataConfig",
            "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")  # fmt: skip

    assert {name: sweep[name] for name in same} == {name: training[name] for name in same}


def test_a_job_in_a_vpc_is_in_the_trainings(prod_swept: Templates) -> None:
    assert job(prod_swept)["VpcConfig"] == training_request(prod_swept)["VpcConfig"]


def test_the_test_part_is_not_shown_to_a_sweep(swept: Templates) -> None:
    assert [channel["ChannelName"] for channel in job(swept)["InputDataConfig"]] == ["train", "validation", "auxiliary"]


def test_jobs_read_the_stages_corpus_and_no_other_that_a_run_may_name(swept: Templates) -> None:
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in job(swept)["InputDataConfig"]]

    assert uris == ["${CorpusUri}train/", "${CorpusUri}validation/", "${CorpusUri}auxiliary/"]


def test_jobs_are_named_and_tagged_by_their_execution(swept: Templates) -> None:
    each = definition(swept)["TrainEach"]

    assert each["ItemSelector"]["name.$"] == (
        "States.Format('topic-model-dev-sweep-{}-{}', $$.Execution.Name, $$.Map.Item.Index)"
    )
    assert job(swept)["TrainingJobName.$"] == "$.name"
    assert {"Key": "topic-model:sweep", "Value.$": "$$.Execution.Name"} in job(swept)["Tags"]


def test_every_placeholder_of_the_definition_is_substituted(swept: Templates, prod_swept: Templates) -> None:
    for templates in (swept, prod_swept):
        found = machine(templates)
        placeholders = {part.partition("}")[0] for part in found["DefinitionString"].split("${")[1:]}
        assert placeholders == set(found["DefinitionSubstitutions"])


@pytest.mark.parametrize(
    ("sweep", "most"),
    [({}, 24), ({"max_jobs": 5}, 5), ({"max_instance_seconds": 60_000}, 11), ({"max_jobs": 12}, 12)],
)
def test_more_jobs_than_either_bound_of_the_budget_are_refused_before_the_first(
    synthesize: Synthesize, sweep: dict[str, int], most: int
) -> None:
    states = definition(synthesize({"sweep": sweep}))

    assert states["WithinBudget"]["Choices"] == [
        {"Variable": "$.count", "NumericGreaterThan": most, "Next": "OverBudget"}
    ]
    assert states["OverBudget"]["Type"] == "Fail"
    assert states["CountJobs"]["Next"] == "WithinBudget"


def test_as_many_jobs_run_at_a_time_as_the_setting_says(synthesize: Synthesize) -> None:
    assert definition(synthesize({"sweep": {"max_concurrency": 7}}))["TrainEach"]["MaxConcurrency"] == 7


def test_a_budget_without_room_for_two_jobs_is_refused() -> None:
    with pytest.raises(ValidationError, match="2 x 2700 instance-seconds: a sweep needs 2 jobs or more"):
        StageSettings.model_validate({"sweep": {"max_instance_seconds": 10_799}})


def test_its_role_may_start_its_own_jobs_only_and_pass_their_role_only(swept: Templates) -> None:
    allowed = {str(action): statement for statement in of_role(swept, "SweepRole")
               for action in listed(statement["Action"])}  # fmt: skip

    assert str(allowed["sagemaker:CreateTrainingJob"]["Resource"]).endswith("training-job/topic-model-dev-sweep-*']]}")
    assert "SweepJobsRole" in str(allowed["iam:PassRole"]["Resource"])
    assert allowed["iam:PassRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert not [action for action in allowed if action.startswith(("s3:", "ssm:", "lambda:"))]


def test_its_jobs_write_apart_from_models_that_may_be_approved(swept: Templates) -> None:
    [writes] = [each for each in of_role(swept, "SweepJobsRole") if "s3:PutObject" in listed(each["Action"])]

    assert "/sweep/*" in str(writes["Resource"])
    assert "models/" not in str(writes["Resource"])


def test_only_actions_that_take_no_resource_stand_on_every_resource(swept: Templates) -> None:
    assert on_every_resource(swept, "training") <= WITHOUT_A_RESOURCE


def test_prod_with_sweeps_and_a_schedule_breaks_none_of_our_own_rules(prod_swept: Templates) -> None:
    templates = [Template(part, template.to_json()) for part, template in prod_swept.items()]

    assert check_all(templates) == []


@pytest.mark.slow
def test_prod_with_sweeps_and_a_schedule_has_no_finding_of_a_pack_that_is_not_acknowledged(
    corpus_folder: Path, tmp_path: Path
) -> None:
    done = synth(corpus_folder, tmp_path, "prod", **(SWEEP | SCHEDULE))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "cdk.out/validation-report.json").read_text())

    assert {plugin["conclusion"] for plugin in report["pluginReports"]} == {"success"}


def test_a_kept_log_group_is_in_no_later_groups_way(prod_swept: Templates) -> None:
    def policies(pipeline: str) -> tuple[str, str]:
        groups = prod_swept["training"].find_resources("AWS::Logs::LogGroup")
        [group] = [each for name, each in groups.items() if name.startswith(f"{pipeline}Logs")]
        return group["DeletionPolicy"], group["UpdateReplacePolicy"]

    assert policies("Pipeline") == ("RetainExceptOnCreate", "Retain")
    assert policies("Sweep") == ("Delete", "Retain")
