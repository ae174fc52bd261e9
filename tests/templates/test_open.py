"""`algorithm: open`: other images, code in a channel, and nothing else that is different."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import app as application
from rules.aws_images import FRAMEWORK_ACCOUNTS, REGISTRY_ACCOUNTS
from tests.bundles import write_bundle
from tests.templates.conftest import Templates, build
from tests.templates.test_training import model, request


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's root that has bundles for both processors."""
    folder = tmp_path_factory.mktemp("root")
    write_bundle(folder)
    write_bundle(folder, processor="gpu")
    return folder


def synthesize(root: Path, corpus: Path, overrides: dict[str, object], *, stage: str = "dev") -> Templates:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "ROOT", root)
        return build(corpus, {"algorithm": "open", **overrides}, stage=stage)


@pytest.fixture(scope="module")
def opened(root: Path, corpus_folder: Path) -> Templates:
    return synthesize(root, corpus_folder, {"training": {"switches": {"seed": 7, "coherence_weight": 0}}})


def substitutions(templates: Templates) -> dict[str, object]:
    [machine] = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    known: dict[str, object] = machine["Properties"]["DefinitionSubstitutions"]
    return known


def test_code_and_wheels_come_to_every_instance_by_a_channel(opened: Templates) -> None:
    channels = request(opened)["InputDataConfig"]

    assert isinstance(channels, list)
    [code] = [channel for channel in channels if channel["ChannelName"] == "code"]
    assert code["DataSource"]["S3DataSource"] == {
        "S3DataType": "S3Prefix",
        "S3Uri": "${CodeUri}",
        "S3DataDistributionType": "FullyReplicated",
    }
    assert "code/" in json.dumps(substitutions(opened)["CodeUri"])


def test_the_toolkit_is_told_what_to_run_and_where_it_is(opened: Templates) -> None:
    hyperparameters = request(opened)["HyperParameters"]

    assert isinstance(hyperparameters, dict)
    assert json.loads(hyperparameters["sagemaker_program"]) == "train_open_ntm.py"
    assert json.loads(hyperparameters["sagemaker_submit_directory"]) == "/opt/ml/input/data/code"


def test_the_switches_go_to_the_job_beside_the_hyperparameters(opened: Templates) -> None:
    hyperparameters = request(opened)["HyperParameters"]

    assert isinstance(hyperparameters, dict)
    assert (hyperparameters["seed"], hyperparameters["coherence_weight"]) == ("7", "0.0")
    assert hyperparameters["num_topics"] == "30"


def test_the_job_stays_isolated_and_its_traffic_encrypted(opened: Templates) -> None:
    assert request(opened)["EnableNetworkIsolation"] is True
    assert request(opened)["EnableInterContainerTrafficEncryption"] is True


def test_the_service_is_told_where_the_log_has_the_loss(opened: Templates) -> None:
    specification = request(opened)["AlgorithmSpecification"]

    assert isinstance(specification, dict)
    assert {"Name": "validation:total_loss", "Regex": r"validation total_loss <loss>=(\S+)"} in specification[
        "MetricDefinitions"
    ]


@pytest.mark.parametrize(
    ("instance_type", "tag"), [("ml.c5.xlarge", "2.8.0-cpu-py312"), ("ml.g4dn.xlarge", "2.8.0-gpu-py312")]
)
def test_the_image_is_of_the_instances_processor(root: Path, corpus_folder: Path, instance_type: str, tag: str) -> None:
    templates = synthesize(root, corpus_folder, {"training": {"instance_type": instance_type}})

    assert f"/pytorch-training:{tag}" in json.dumps(substitutions(templates)["TrainingImage"])


def test_models_are_hosted_by_the_serving_container_with_its_program(opened: Templates) -> None:
    models = opened["serving"].find_resources("AWS::SageMaker::Model").values()

    assert len(models) == 2
    for hosted in models:
        container = hosted["Properties"]["PrimaryContainer"]
        assert "/pytorch-inference:2.6.0-cpu-py312" in json.dumps(container["Image"])
        assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
        assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"
        assert hosted["Properties"]["EnableNetworkIsolation"] is True


def test_batch_transform_may_send_what_the_stage_lets_it(root: Path, corpus_folder: Path) -> None:
    templates = synthesize(root, corpus_folder, {"transform": {"max_payload_mb": 20}})
    environments = [
        hosted["Properties"]["PrimaryContainer"]["Environment"]
        for hosted in templates["serving"].find_resources("AWS::SageMaker::Model").values()
    ]

    assert [env.get("TS_MAX_REQUEST_SIZE") for env in environments if "TS_MAX_REQUEST_SIZE" in env] == [str(20 << 20)]


def test_one_template_knows_the_containers_account_of_every_region(opened: Templates) -> None:
    for part in ("training", "serving"):
        registries = opened[part].find_mappings("*", {}).values()
        accounts = {region: {"Account": account} for region, account in FRAMEWORK_ACCOUNTS.items()}
        assert registries
        assert all(registry == accounts for registry in registries)
    assert {region for region in REGISTRY_ACCOUNTS if region not in FRAMEWORK_ACCOUNTS} == {
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-east-1",
        "us-isof-south-1",
    }


def test_another_bundle_asks_for_a_training(opened: Templates, root: Path, corpus_folder: Path) -> None:
    same = synthesize(root, corpus_folder, {"training": {"switches": {"seed": 7, "coherence_weight": 0}}})
    other = synthesize(root, corpus_folder, {"training": {"switches": {"seed": 8, "coherence_weight": 0}}})

    assert model(same)["DefinitionHash"] == model(opened)["DefinitionHash"]
    assert model(other)["DefinitionHash"] != model(opened)["DefinitionHash"]


def test_the_job_may_read_its_code_and_nobody_may_write_it_but_the_deploy(opened: Templates) -> None:
    policies = opened["training"].find_resources("AWS::IAM::ManagedPolicy").values()
    statements = [item for policy in policies for item in policy["Properties"]["PolicyDocument"]["Statement"]]
    about_code = [item for item in statements if "/code/*" in json.dumps(item["Resource"])]

    assert [item["Action"] for item in about_code] == ["s3:GetObject"]


def test_the_url_function_knows_that_answers_name_their_model(opened: Templates) -> None:
    [parameter] = [
        found["Properties"]["Value"]
        for found in opened["serving"].find_resources("AWS::SSM::Parameter").values()
        if found["Properties"]["Name"].endswith("/in-service")
    ]

    assert '"algorithm": "open"' in json.dumps(parameter).replace('\\"', '"')


def test_a_hardened_stage_without_a_way_out_can_be_open(root: Path, corpus_folder: Path) -> None:
    templates = synthesize(root, corpus_folder, {}, stage="prod")

    assert request(templates)["EnableNetworkIsolation"] is True
    assert "VpcConfig" in request(templates)
    assert templates["data"].find_resources("AWS::EC2::NatGateway") == {}
    assert templates["data"].find_resources("AWS::EC2::InternetGateway") == {}
