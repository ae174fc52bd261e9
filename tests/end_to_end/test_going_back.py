from __future__ import annotations

import pytest

from tests.end_to_end.deployment import FOUR_TOPICS, STAGE, Deployment

from deployment_functions.model_fields import APPROVED, PREVIOUS

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]


def test_a_rollback_takes_the_previous_model_into_service_and_a_second_one_undoes_it(deployment: Deployment) -> None:
    first_deploy = deployment.deploy()
    assert first_deploy.exit_code == 0, first_deploy.output
    first = deployment.served_artifact()
    second_deploy = deployment.deploy(**FOUR_TOPICS)
    assert second_deploy.exit_code == 0, second_deploy.output
    second = deployment.served_artifact()
    settings = ["--stage", STAGE, "--settings", str(deployment._folder / "settings.json")]

    before = deployment.command("operations.pipeline", "status", *settings)
    back = deployment.command("operations.pipeline", "rollback", "--stage", STAGE)
    after = deployment.command("operations.pipeline", "status", *settings)

    assert second != first
    assert (before.returncode, back.returncode) == (0, 0), before.stderr + back.stderr
    assert deployment.served_artifact() == first
    assert back.stdout.split(" is in service")[0] == deployment.look("/health").body["model"]
    approved, previous = (deployment.ledger().read(which) for which in (APPROVED, PREVIOUS))
    assert approved is not None
    assert previous is not None
    assert (approved["artifact_uri"], previous["artifact_uri"]) == (first, second)
    # Neither deploy trains or takes the newer one: nothing that was asked for has changed.
    assert f"next deploy  keeps {previous['job_name']}" in before.stdout
    assert f"next deploy  keeps {approved['job_name']}" in after.stdout
    assert f"waiting      {previous['job_name']}: approve it by" in after.stdout
    assert deployment.deploy(**FOUR_TOPICS).exit_code == 0
    assert deployment.served_artifact() == first

    assert deployment.command("operations.pipeline", "rollback", "--stage", STAGE).returncode == 0
    assert deployment.served_artifact() == second
