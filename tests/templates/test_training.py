from __future__ import annotations

import json

from aws_cdk.assertions import Match

from rules.aws_images import REGISTRY_ACCOUNTS
from tests.templates.conftest import Synthesize, Templates


def request(templates: Templates) -> dict[str, object]:
    """What the pipeline sends to CreateTrainingJob."""
    [machine] = templates["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    definition = json.loads(machine["Properties"]["DefinitionString"])
    parameters = definition["States"]["Train"]["Parameters"]
    assert isinstance(parameters, dict)
    return parameters


def model(templates: Templates) -> dict[str, str]:
    """The properties of the custom resource that trains when they change."""
    [resource] = templates["training"].find_resources("Custom::TrainedModel").values()
    return {name: str(value) for name, value in resource["Properties"].items()}


def test_the_job_takes_the_tutorials_hyperparameters_and_the_corpuss_size(dev: Templates) -> None:
    hyperparameters = request(dev)["HyperParameters"]

    assert isinstance(hyperparameters, dict)
    assert hyperparameters["feature_dim.$"] == "$.run.value.feature_dim"
    assert {
        name: hyperparameters[name]
        for name in ("num_topics", "mini_batch_size", "epochs", "num_patience_epochs", "tolerance")
    } == {
        "num_topics": "30",
        "mini_batch_size": "128",
        "epochs": "100",
        "num_patience_epochs": "5",
        "tolerance": "0.001",
    }


def test_training_documents_are_dealt_out_and_every_other_channel_is_copied(dev: Templates) -> None:
    channels = request(dev)["InputDataConfig"]

    assert isinstance(channels, list)
    assert {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] for channel in channels
    } == {
        "train": "ShardedByS3Key",
        "validation": "FullyReplicated",
        "test": "FullyReplicated",
        "auxiliary": "FullyReplicated",
    }


def test_the_job_is_isolated_encrypted_and_bounded(dev: Templates) -> None:
    job = request(dev)

    assert job["EnableNetworkIsolation"] is True
    assert job["EnableInterContainerTrafficEncryption"] is True
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 2700}
    assert job["OutputDataConfig"] == {"S3OutputPath": "${OutputPath}", "KmsKeyId": "${KeyArn}"}
    assert job["ResourceConfig"] == {
        "InstanceType": "ml.c5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 30,
        "VolumeKmsKeyId": "${KeyArn}",
    }


def test_the_job_is_named_by_its_run(dev: Templates) -> None:
    assert request(dev)["TrainingJobName.$"] == "$.run.value.job_name"


def test_every_placeholder_of_the_definition_is_substituted(dev: Templates) -> None:
    [machine] = dev["training"].find_resources("AWS::StepFunctions::StateMachine").values()
    properties = machine["Properties"]
    text = properties["DefinitionString"]
    placeholders = {part.partition("}")[0] for part in text.split("${")[1:]}

    assert placeholders == set(properties["DefinitionSubstitutions"])


def test_one_template_knows_the_image_of_every_region(dev: Templates) -> None:
    mappings = dev["training"].find_mappings("*", {})
    [registry] = mappings.values()

    assert registry == {region: {"Account": account} for region, account in REGISTRY_ACCOUNTS.items()}


def test_a_region_without_ntm_is_refused_before_anything_is_made(dev: Templates) -> None:
    for part in ("training", "serving"):
        rules = dev[part].to_json()["Rules"]
        descriptions = [assertion["AssertDescription"] for rule in rules.values() for assertion in rule["Assertions"]]
        assert any(text.startswith("SageMaker has no NTM image in this region") for text in descriptions)


def test_a_changed_hyperparameter_asks_for_a_training(dev: Templates, synthesize: Synthesize) -> None:
    other = synthesize({"training": {"hyperparameters": {"num_topics": 31}}})

    assert model(dev)["DefinitionHash"] != model(other)["DefinitionHash"]


def test_a_change_of_serving_alone_asks_for_no_training(dev: Templates, synthesize: Synthesize) -> None:
    other = synthesize({"endpoint": {"max_instances": 9}, "url": {"memory_mb": 2048}})

    assert model(dev) == model(other)


def test_a_stage_that_does_not_train_on_deploy_says_so_to_its_gate(synthesize: Synthesize) -> None:
    late = synthesize({"training": {"run_on_deploy": False, "max_runtime_s": 86400}})

    assert model(late)["RunOnDeploy"] == "false"


def test_the_deploy_waits_an_hour_at_most(dev: Templates) -> None:
    dev["training"].has_resource_properties("Custom::TrainedModel", {"ServiceTimeout": "3600"})


def test_every_end_of_a_run_reaches_the_function_that_answers_the_deploy(dev: Templates) -> None:
    dev["training"].has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.states"],
                "detail": {
                    "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [{"Ref": Match.string_like_regexp("PipelineStateMachine")}],
                },
            }
        },
    )


def test_sagemaker_may_use_the_training_role_for_this_account_only(dev: Templates) -> None:
    dev["training"].has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Action": "sts:AssumeRole",
                        "Effect": "Allow",
                        "Principal": {"Service": "sagemaker.amazonaws.com"},
                        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                    }
                ]
            }
        },
    )


def test_what_stops_runs_on_a_destroy_is_there_before_the_training_and_gone_before_the_roles(dev: Templates) -> None:
    resources = dev["training"].to_json()["Resources"]
    [stopper] = [name for name, each in resources.items() if each["Type"] == "Custom::TrainingRuns"]
    [model] = [each for each in resources.values() if each["Type"] == "Custom::TrainedModel"]

    assert stopper in model["DependsOn"]
    kinds = {resources[name]["Type"] for name in resources[stopper]["DependsOn"]}
    assert {"AWS::StepFunctions::StateMachine", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"} <= kinds
