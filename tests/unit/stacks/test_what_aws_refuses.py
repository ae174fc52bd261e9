"""Settings that SageMaker or S3 would refuse, or not keep."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rules.model import own_disks
from stacks.serving.transform import transform_job
from stacks.settings import instance_types
from stacks.settings.endpoint import CaptureSettings, RolloutSettings
from stacks.settings.preparation import PreparationStep
from stacks.settings.stage import TrainingSettings, TransformSettings
from stacks.training import training_job
from stacks.training.preparation import preparation_job

DOCUMENTS = {"bucket": "documents", "prefix": "raw/"}


@pytest.mark.parametrize(
    ("instance_type", "takes"),
    [("ml.c5.xlarge", True), ("ml.p3.2xlarge", True), ("ml.g4dn.xlarge", False), ("ml.m5d.xlarge", False)],
)
def test_jobs_on_hosts_with_disks_of_their_own_name_no_volume_key(instance_type: str, *, takes: bool) -> None:
    training = training_job.request(TrainingSettings(instance_type=instance_type), stage="dev", algorithm="builtin")
    transform = transform_job.request(TransformSettings(instance_type=instance_type), stage="dev")
    step = PreparationStep.model_validate({"documents": DOCUMENTS, "instance_type": instance_type})
    cluster = preparation_job.request(step, stage="dev")["ProcessingResources"]

    for resources in (training["ResourceConfig"], transform["TransformResources"], cluster):
        assert ("VolumeKmsKeyId" in str(resources)) is takes


def test_the_rules_and_the_settings_agree_on_which_hosts_have_disks_of_their_own() -> None:
    for name in ("c5", "c5d", "c5n", "m5", "m5d", "m5dn", "r5d", "g4dn", "g5", "p2", "p3", "p3dn", "t3"):
        assert own_disks(f"ml.{name}.xlarge") is instance_types.has_local_nvme(f"ml.{name}.xlarge")


@pytest.mark.parametrize("kind", [TrainingSettings, PreparationStep])
def test_a_volume_larger_than_the_hosts_disk_is_refused(kind: type[TrainingSettings | PreparationStep]) -> None:
    asked = {"documents": DOCUMENTS} if kind is PreparationStep else {}
    on_its_disk = {**asked, "instance_type": "ml.g4dn.xlarge", "volume_size_gb": 125}
    kind.model_validate(on_its_disk)

    with pytest.raises(ValidationError, match=r"volume_size_gb is 126, but ml\.g4dn\.xlarge .* 125 GB"):
        kind.model_validate({**on_its_disk, "volume_size_gb": 126})


@pytest.mark.parametrize(("strategy", "waits"), [("all_at_once", 1), ("canary", 2), ("linear", 11), ("rolling", 10)])
def test_a_rollout_has_time_for_all_its_waits(strategy: str, waits: int) -> None:
    asked = {"strategy": strategy, "step_percent": 10, "wait_s": 1000}
    RolloutSettings.model_validate({**asked, "max_duration_s": waits * 1000 + 1})

    with pytest.raises(ValidationError, match=f"waits {waits} x wait_s 1000"):
        RolloutSettings.model_validate({**asked, "max_duration_s": waits * 1000})


def test_requests_are_kept_two_days_or_more_since_a_hidden_version_takes_one() -> None:
    with pytest.raises(ValidationError, match="keep_days"):
        CaptureSettings(keep_days=1)
