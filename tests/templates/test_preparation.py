"""`preparation`: a state machine that prepares corpora on Spark, and nothing else that is different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import app as application
from rules.engine import Template, check_all
from stacks.settings.preparation import PreparationStep
from stacks.settings.stage import StageSettings
from stacks.training.preparation import preparation_job
from tests.bundles import write_bundle
from tests.templates.conftest import Templates, build
from tests.templates.test_least_privilege import WITHOUT_A_RESOURCE, listed, on_every_resource

DOCUMENTS: dict[str, Any] = {"documents": {"bucket": "raw-documents", "prefix": "news/2026/"}}
PREPARED: dict[str, Any] = {"preparation": {**DOCUMENTS, "id_field": "id", "settings": {"least_words": 3}}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's root that has the bundle."""
    folder = tmp_path_factory.mktemp("root")
    write_bundle(folder, processor="spark")
    return folder


def synthesize(root: Path, corpus: Path, overrides: dict[str, Any], *, stage: str = "dev") -> Templates:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "ROOT", root)
        return build(corpus, overrides, stage=stage)


@pytest.fixture(scope="module")
def prepared(root: Path, corpus_folder: Path) -> Templates:
    """The dev stage with the setting."""
    return synthesize(root, corpus_folder, PREPARED)


@pytest.fixture(scope="module")
def prod_prepared(root: Path, corpus_folder: Path) -> Templates:
    """The prod stage with the setting, and with retraining."""
    return synthesize(root, corpus_folder, PREPARED | {"retraining": {}}, stage="prod")


def machine(templates: Templates) -> dict[str, Any]:
    machines = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    [found] = [each["Properties"] for each in machines
               if each["Properties"]["StateMachineName"].endswith("-preparation")]  # fmt: skip
    return dict(found)


def states(templates: Templates) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine(templates)["DefinitionString"])["States"]
    return found


def job(templates: Templates) -> dict[str, Any]:
    parameters: dict[str, Any] = states(templates)["Prepare"]["Parameters"]
    return parameters


def of_role(templates: Templates, name: str) -> dict[str, dict[str, Any]]:
    """The statement that allows each action."""
    policies = templates["training"].find_resources("AWS::IAM::ManagedPolicy")
    [policy] = [policy for logical_id, policy in policies.items() if logical_id.startswith(name)]
    return {
        f"{action} {json.dumps(resource)}": statement
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def on(rights: dict[str, dict[str, Any]], action: str) -> list[str]:
    return [right.partition(" ")[2] for right in rights if right.startswith(f"{action} ")]


def test_the_setting_changes_nothing_else_in_the_stage(dev: Templates, prepared: Templates) -> None:
    resources = prepared["training"].to_json()["Resources"]
    others = {name: body for name, body in resources.items() if not name.startswith("Preparation")}

    assert others == dev["training"].to_json()["Resources"]
    assert prepared["serving"].to_json() == dev["serving"].to_json()


def test_the_job_runs_awss_spark_container_of_the_region_with_python_3_12(prepared: Templates) -> None:
    image = json.dumps(machine(prepared)["DefinitionSubstitutions"]["SparkImage"])

    assert "/sagemaker-spark-processing:3.5-cpu-py312" in image
    assert "Fn::FindInMap" in image
    assert job(prepared)["AppSpecification"]["ContainerEntrypoint"] == [
        "smspark-submit", "/opt/ml/processing/input/code/prepare_corpus.py",
    ]  # fmt: skip


def test_instances_are_as_many_and_of_the_type_that_the_setting_says(root: Path, corpus_folder: Path) -> None:
    chosen = {**DOCUMENTS, "instance_count": 5, "instance_type": "ml.m5.4xlarge", "volume_size_gb": 500}
    cluster = job(synthesize(root, corpus_folder, {"preparation": chosen}))["ProcessingResources"]["ClusterConfig"]

    assert (cluster["InstanceCount"], cluster["InstanceType"], cluster["VolumeSizeInGB"]) == (5, "ml.m5.4xlarge", 500)


def test_volumes_and_output_are_under_the_stages_key(prepared: Templates) -> None:
    request = job(prepared)

    assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "${KeyArn}"
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == "${KeyArn}"


def test_the_cluster_is_isolated_and_its_traffic_encrypted(prepared: Templates) -> None:
    network = job(prepared)["NetworkConfig"]

    assert network == {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}


def test_in_a_hardened_stage_it_is_in_the_stages_vpc(prod_prepared: Templates) -> None:
    vpc = job(prod_prepared)["NetworkConfig"]["VpcConfig"]

    assert vpc == {"Subnets": ["${Subnet0}", "${Subnet1}"], "SecurityGroupIds": ["${SecurityGroup0}"]}


def test_documents_come_from_the_runs_input_or_else_from_the_settings_prefix(prepared: Templates) -> None:
    found = states(prepared)

    assert found["ChooseInput"]["Choices"][0] == {
        "Variable": "$.documents_uri", "IsPresent": True, "Next": "Prepare",
    }  # fmt: skip
    assert found["AllDocuments"]["Result"] == {"documents_uri": "${DocumentsUri}"}
    assert machine(prepared)["DefinitionSubstitutions"]["DocumentsUri"] == "s3://raw-documents/news/2026/"


def test_the_job_writes_under_its_runs_own_prefix_and_not_among_the_corpora(prepared: Templates) -> None:
    [output] = job(prepared)["ProcessingOutputConfig"]["Outputs"]
    writes = on(of_role(prepared, "PreparationJobRole"), "s3:PutObject")

    assert output["S3Output"]["S3Uri.$"] == "States.Format('${PreparingUri}{}', $$.Execution.Name)"
    assert [where.rpartition("/")[0].rpartition("/")[2] for where in writes] == ["preparing"]


def test_a_run_that_fails_or_takes_too_long_rings_and_tells_the_stages_topic(prepared: Templates) -> None:
    [machine_id] = [
        name
        for name, body in prepared["training"].find_resources("AWS::StepFunctions::StateMachine").items()
        if body["Properties"]["StateMachineName"].endswith("-preparation")
    ]
    alarms = [
        alarm["Properties"]
        for alarm in prepared["training"].find_resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": machine_id}}]
    ]

    assert sorted(alarm["MetricName"] for alarm in alarms) == ["ExecutionsFailed", "ExecutionsTimedOut"]
    assert all(alarm["Threshold"] == 1 and len(alarm["AlarmActions"]) == 1 for alarm in alarms)
    assert all("a preparation failed" in alarm["AlarmDescription"] for alarm in alarms)


def test_what_a_run_leaves_under_its_prefix_expires_and_no_corpus_does(prepared: Templates) -> None:
    buckets = prepared["data"].find_resources("AWS::S3::Bucket")
    [corpora] = [body for name, body in buckets.items() if name.startswith("Corpora")]
    expiring = [rule for rule in corpora["Properties"]["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]

    assert [(rule["Prefix"], rule["ExpirationInDays"], rule["Status"]) for rule in expiring] == [
        ("preparing/", 30, "Enabled")
    ]
    assert [rule["NoncurrentVersionExpiration"] for rule in expiring] == [{"NoncurrentDays": 7}]


def test_what_earlier_runs_left_expires_also_where_a_stage_prepares_no_more(
    dev: Templates, prepared: Templates
) -> None:
    without, with_setting = (
        [
            body["Properties"]["LifecycleConfiguration"]
            for name, body in templates["data"].find_resources("AWS::S3::Bucket").items()
            if name.startswith("Corpora")
        ]
        for templates in (dev, prepared)
    )

    assert without == with_setting


def test_the_job_reads_the_documents_its_code_and_the_deployed_vocabulary_only(prepared: Templates) -> None:
    documents, *own = reversed(on(of_role(prepared, "PreparationJobRole"), "s3:GetObject"))

    assert "raw-documents/news/2026/*" in documents
    assert len(own) == 2
    assert "/code/" in own[1]
    assert own[0].endswith('/vocabulary/surface_forms.json"]]}')


def test_the_publisher_writes_corpora_and_moves_the_pointer_where_the_stage_retrains(
    prepared: Templates, prod_prepared: Templates
) -> None:
    rights, with_retraining = (of_role(each, "PreparationPublish") for each in (prepared, prod_prepared))

    assert [where.rpartition("/")[0].rpartition("/")[2] for where in on(rights, "s3:PutObject")] == ["corpora"]
    assert on(rights, "ssm:PutParameter") == []
    [pointer] = on(with_retraining, "ssm:PutParameter")
    assert "parameter/topic-model/prod/newest-corpus" in pointer


def test_a_publication_that_was_not_done_in_one_call_goes_on_in_the_next(prepared: Templates) -> None:
    found = states(prepared)

    assert found["IsPublished"]["Default"] == found["Prepare"]["Next"] == "PublishCorpus"
    assert found["IsPublished"]["Choices"][0]["Next"] == "Published"


def test_the_machines_role_starts_this_stages_jobs_only_and_passes_their_role_only(prepared: Templates) -> None:
    rights = of_role(prepared, "PreparationRole")
    [create] = on(rights, "sagemaker:CreateProcessingJob")
    [passed] = on(rights, "iam:PassRole")

    assert "processing-job/topic-model-dev-*" in create
    assert "PreparationJobRole" in passed
    assert not [right for right in rights if right.startswith(("s3:", "ssm:"))]


def test_only_actions_that_take_no_resource_stand_on_every_resource(prepared: Templates) -> None:
    assert on_every_resource(prepared, "training") <= WITHOUT_A_RESOURCE


def test_every_placeholder_of_the_definition_is_substituted(prepared: Templates, prod_prepared: Templates) -> None:
    for templates in (prepared, prod_prepared):
        found = machine(templates)
        placeholders = {part.partition("}")[0] for part in found["DefinitionString"].split("${")[1:]}
        assert placeholders == set(found["DefinitionSubstitutions"])


def test_the_settings_go_to_the_command_as_its_options(prepared: Templates) -> None:
    told = job(prepared)["AppSpecification"]["ContainerArguments"]

    assert told[told.index("--least-words") + 1] == "3"
    assert told[told.index("--id-field") + 1] == "id"
    assert "--label-field" not in told


def test_given_words_come_with_the_rule_of_their_corpus_which_says_how_texts_are_read(prepared: Templates) -> None:
    told = job(prepared)["AppSpecification"]["ContainerArguments"]

    assert told[told.index("--vocabulary") + 1] == "/opt/ml/processing/input/vocabulary/surface_forms.json"
    assert {"--html", "--language", "--max-features", "--max-df", "--min-df"}.isdisjoint(told)


def test_new_words_are_chosen_where_the_setting_says_so(root: Path, corpus_folder: Path) -> None:
    words = {"keep_vocabulary": False, "settings": {"min_df": 5}}
    request = job(synthesize(root, corpus_folder, {"preparation": {**DOCUMENTS, **words}}))
    told = request["AppSpecification"]["ContainerArguments"]

    assert told[told.index("--min-df") + 1] == "5"
    assert {"--html", "--language"} <= {*told}
    assert "--vocabulary" not in told
    assert [given["InputName"] for given in request["ProcessingInputs"]] == ["documents", "code"]


def test_the_language_of_a_stage_goes_before_that_of_the_words() -> None:
    step = PreparationStep.model_validate({**DOCUMENTS, "settings": {"language": "de"}})

    told = preparation_job.arguments(step)

    assert told[told.index("--language") + 1] == "de"


def test_prod_with_the_setting_breaks_none_of_our_own_rules(prod_prepared: Templates) -> None:
    assert check_all([Template(part, template.to_json()) for part, template in prod_prepared.items()]) == []


CORPUS = {"s3": {"bucket": "elsewhere", "prefix": "a" * 64}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corpus": CORPUS}, "the stage writes corpora into its own bucket only"),
        ({"training": {"instance_count": 5}}, "train_shards is 4, fewer than training.instance_count 5"),
        ({"retraining": {}, "preparation": {**DOCUMENTS, "keep_vocabulary": False}}, "of the vocabulary in service"),
        ({"preparation": {**DOCUMENTS, "settings": {"stop_words": ["a"]}}}, "a job takes from nowhere"),
        ({"preparation": {**DOCUMENTS, "licence": "CC BY"}}, "should match pattern"),
    ],
)
def test_what_cannot_work_is_refused_at_synth(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StageSettings.model_validate({**PREPARED, **settings})
