from __future__ import annotations

import pytest

from local_cloud.sagemaker.jobs.training.metric_definitions import MetricScan, described
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import Node


def scan(regex: str) -> MetricScan:
    return MetricScan.of(Node({"MetricDefinitions": [{"Name": "loss", "Regex": regex}]}))


def test_the_last_value_of_a_metric_is_kept_with_its_time() -> None:
    metrics = scan(r"loss=(\S+)")
    points = metrics.read(
        [(1000, "epoch 1 loss=3.5"), (2000, "nothing"), (3000, "epoch 2 loss=2.5 x"), (4000, "loss=none")]
    )

    assert points == [("loss", 3.5, 1.0), ("loss", 2.5, 3.0)]
    assert metrics.last() == {"loss": (2.5, 3.0)}


@pytest.mark.parametrize(("regex", "message"), [("loss=(", "is invalid"), ("loss=.*", "has no group for its value")])
def test_a_definition_that_finds_no_value_is_refused(regex: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        scan(regex)


NTM = "382416733822.dkr.ecr.us-east-1.amazonaws.com/ntm:1"
RECORDED = (
    "[06/08/2021 23:19:35 INFO 140403258652480] #quality_metric: host=algo-2, epoch=77, validation total_loss "
    "<loss>=6.662471362522671"
)
"""A line of the built-in's own log, from the notebook that `metric_definitions.OF_NTM` names."""


def test_the_built_in_has_the_one_metric_that_aws_documents_and_it_reads_the_built_ins_own_log() -> None:
    specification = Node({"TrainingImage": NTM})

    (definition,) = Node(described(specification)).nodes("MetricDefinitions")

    assert definition.text("Name") == "validation:total_loss"
    assert MetricScan.of(specification).read([(0, RECORDED)]) == [("validation:total_loss", 6.662471362522671, 0.0)]


def test_another_image_is_told_as_it_was_given() -> None:
    specification = Node({"TrainingImage": NTM.replace("ntm", "own"), "MetricDefinitions": []})

    assert described(specification) == specification.values
