"""What is deleted by hand of a deployed stage is named, and restored by the command that is told."""

from __future__ import annotations

import json

import pytest

from stacks.shared.names import endpoint_name, in_service_parameter
from tests.end_to_end.account import left
from tests.end_to_end.deployment import FOUR_TOPICS, STAGE, Deployment
from tests.local_cloud.support import until

from deployment_functions.model_fields import APPROVED, FIELDS, RECORD

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

RESTORE = f".venv/bin/python -m operations.pipeline restore --stage {STAGE}"
RECORDED = f"/topic-model/{STAGE}/{APPROVED}/{RECORD}"
ONE_FIELD = f"/topic-model/{STAGE}/{APPROVED}/vocabulary_hash"
WHOLE_SET = [RECORDED, *(f"/topic-model/{STAGE}/{APPROVED}/{field}" for field in FIELDS)]


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Deployment:
    """A stage that serves a model."""
    run = deployment.deploy()
    assert run.exit_code == 0, run.output
    return deployment


def examined(deployment: Deployment) -> list[str]:
    """What doctor says of the deployed stage, a line each."""
    said = deployment.command("operations.doctor", "--stage", STAGE).stdout
    return [line for line in said.splitlines() if "  deployed: " in line]


def restored(deployment: Deployment) -> list[str]:
    """What the command restored, a line each."""
    done = deployment.command("operations.pipeline", "restore", "--stage", STAGE)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_nothing_is_missing_of_what_was_just_deployed(deployed: Deployment) -> None:
    assert examined(deployed) == ["ok       deployed: all is there"]
    assert restored(deployed) == ["nothing is missing"]


@pytest.mark.parametrize("names", [[RECORDED], [ONE_FIELD], WHOLE_SET, [in_service_parameter(STAGE)]])
def test_a_parameter_that_was_deleted_by_hand_is_named_and_restored_as_it_was(
    deployed: Deployment, names: list[str]
) -> None:
    ssm = deployed.client("ssm")

    def values() -> dict[str, tuple[str, object]]:
        told = [ssm.get_parameter(Name=name)["Parameter"] for name in names]
        return {each["Name"]: (each["Type"], each["Value"]) for each in told}

    before = values()
    for name in names:
        ssm.delete_parameter(Name=name)

    [said] = examined(deployed)
    assert said.startswith(f"BAD      deployed: parameter {names[0]} is gone")
    assert said.endswith(RESTORE)

    assert f"restored parameter {names[0]}" in restored(deployed)
    assert values() == before
    assert examined(deployed) == ["ok       deployed: all is there"]


def test_a_mix_in_the_single_fields_is_named_and_mended(deployed: Deployment) -> None:
    ssm, before = deployed.client("ssm"), deployed.ledger().single_fields(APPROVED)
    ssm.put_parameter(Name=ONE_FIELD, Value="another's", Type="String", Overwrite=True)

    assert examined(deployed) == [
        f"BAD      deployed: parameter {ONE_FIELD} is gone or of another model than its record: {RESTORE}"
    ]
    assert restored(deployed) == [f"restored parameter {ONE_FIELD}"]
    assert deployed.ledger().single_fields(APPROVED) == before


def test_a_mix_in_what_is_in_service_is_named(deployed: Deployment) -> None:
    ssm, name = deployed.client("ssm"), in_service_parameter(STAGE)
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    mixed = json.dumps(json.loads(before) | {"vocabulary": "another's"})
    ssm.put_parameter(Name=name, Value=mixed, Type="String", Overwrite=True)

    [said] = examined(deployed)
    ssm.put_parameter(Name=name, Value=before, Type="String", Overwrite=True)

    assert "is a mix of two models: vocabulary_hash differ" in said


def test_an_endpoint_that_was_deleted_by_hand_is_named_restored_and_still_deployed_to(deployed: Deployment) -> None:
    sagemaker, name, url = deployed.client("sagemaker"), endpoint_name(STAGE), deployed.url()
    sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: "is gone" in examined(deployed)[0], 60)

    assert examined(deployed) == [f"BAD      deployed: endpoint {name} is gone, though its stack is there: {RESTORE}"]
    assert restored(deployed) == [f"restored endpoint {name}, which is in service in some minutes"]
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService", 120)
    assert deployed.ask_documents("butter bread oven").status == 200
    run = deployed.deploy(**FOUR_TOPICS)
    assert run.exit_code == 0, run.output
    answer = deployed.ask_documents("butter bread oven")
    assert len(answer.body["predictions"][0]["topic_weights"]) == 4
    assert deployed.url() == url


def test_a_stage_that_was_restored_is_destroyed_whole(deployed: Deployment) -> None:
    run = deployed.destroy()

    assert run.exit_code == 0, run.output
    assert left(deployed) == {}
