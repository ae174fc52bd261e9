"""A deploy is answered by the run that it waits for, also where the event of the run's end is heard by nobody."""

from __future__ import annotations

import pytest

from stacks.shared.names import stack_prefix
from tests.end_to_end.deployment import FOUR_TOPICS, STAGE, TRAINING, Deployment

pytestmark = pytest.mark.local_cloud
DATA = f"{stack_prefix(STAGE)}-Data"


@pytest.fixture(scope="module")
def unheard(deployment: Deployment) -> Deployment:
    """A stage that is deployed, and whose rule for the end of a run is disabled."""
    run = deployment.deploy(DATA, TRAINING)
    assert run.exit_code == 0, run.output
    events = deployment.client("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "TrainedModelEnded" in rule["Name"]]
    for name in rules:
        events.disable_rule(Name=name)
    assert len(rules) == 1
    return deployment


def test_a_training_that_succeeds_answers_the_deploy_itself(unheard: Deployment) -> None:
    run = unheard.deploy(TRAINING, **FOUR_TOPICS)

    assert run.exit_code == 0, run.output


def test_a_training_that_fails_answers_the_deploy_itself_with_the_jobs_reason(unheard: Deployment) -> None:
    run = unheard.deploy_too_large_a_batch(TRAINING)

    assert run.exit_code != 0
    assert "training job" in run.output
    assert "failed:" in " ".join(run.output.split())
