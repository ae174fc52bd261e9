from __future__ import annotations

import pytest

from local_cloud.sagemaker.jobs.training.metric_definitions import MetricScan
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import Node


def scan(regex: str) -> MetricScan:
    return MetricScan.of(Node({"MetricDefinitions": [{"Name": "loss", "Regex": regex}]}))


def test_the_last_value_of_a_metric_is_kept_with_its_time() -> None:
    metrics = scan(r"loss=(\S+)")
    metrics.read([(1000, "epoch 1 loss=3.5"), (2000, "nothing"), (3000, "epoch 2 loss=2.5 x"), (4000, "loss=none")])

    assert metrics.last() == {"loss": (2.5, 3.0)}


@pytest.mark.parametrize(("regex", "message"), [("loss=(", "is invalid"), ("loss=.*", "has no group for its value")])
def test_a_definition_that_finds_no_value_is_refused(regex: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        scan(regex)
