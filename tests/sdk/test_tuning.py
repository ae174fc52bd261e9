"""SDK v2's HyperparameterTuner on NTM, with nothing but the exported variables of a local cloud."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud import LocalCloud
from tests.sdk.conftest import SCRIPTS, result_of, run

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.fixture(scope="module")
def result(cloud: LocalCloud, role: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tuning")
    return result_of(run("v2", SCRIPTS / "tuning_v2.py", role, folder, environment=cloud.environment(), folder=folder))


def test_the_tuner_finds_the_trial_with_the_least_loss(result: dict[str, Any]) -> None:
    assert result["status"] == "Completed"
    assert len(result["values"]) == 4
    assert result["best"] == min(result["values"], key=lambda name: result["values"][name])


def test_trials_have_different_hyperparameters_within_their_ranges(result: dict[str, Any]) -> None:
    tuned = result["tuned"]

    assert len({tuple(sorted(item.items())) for item in tuned}) == 4
    assert all(1e-4 <= float(item["learning_rate"]) <= 0.1 for item in tuned)
    assert all(16 <= int(item["mini_batch_size"]) <= 64 for item in tuned)
    assert {item["optimizer"].strip('"') for item in tuned} <= {"sgd", "adam", "adadelta"}


def test_the_best_model_is_deployed_and_answers(result: dict[str, Any]) -> None:
    assert [len(weights) for weights in result["predicted"]] == [3] * 5


def test_the_tuner_is_attached_to_again_with_its_instances_and_the_algorithms_metric(result: dict[str, Any]) -> None:
    assert result["attached"] == [1, "ml.c5.xlarge"]
    assert result["metrics"] == ["validation:total_loss"]
