"""Search over training jobs, against the shape that botocore has of one."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from local_cloud.sagemaker.jobs.training.search import matching, ordered
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonObject, JsonValue, Node

SHAPE = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingJob")


def job(name: str, rate: str, loss: float | None, **tags: str) -> JsonObject:
    metrics: JsonValue = (
        [] if loss is None else [{"MetricName": "validation:total_loss", "Value": loss, "Timestamp": 1.0}]
    )
    source = {"DataSource": {"S3DataSource": {"S3Uri": f"s3://bucket/{name}"}}}
    return {
        "TrainingJobName": name, "HyperParameters": {"learning_rate": rate, "optimizer": "adam"},
        "FinalMetricDataList": metrics, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "CreationTime": 1_700_000_000.0 + len(name), "EnableManagedSpotTraining": name == "aaa",
        "ResourceConfig": {"InstanceCount": len(name)}, "InputDataConfig": [source],
    }  # fmt: skip


JOBS = [job("a", "0.1", 3.0, team="topics"), job("aa", "0.01", 7.5), job("aaa", "1.5", None, team="other")]


def found(name: str, operator: str | None = None, value: str | None = None, **more: Any) -> list[str]:
    given = {"Name": name, "Operator": operator, "Value": value}
    expression = {"Filters": [{key: each for key, each in given.items() if each is not None}], **more}
    return [str(each["TrainingJobName"]) for each in matching(JOBS, Node(expression), SHAPE)]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (("TrainingJobName", "Equals", "aa"), ["aa"]),
        (("TrainingJobName", None, "aa"), ["aa"]),
        (("TrainingJobName", "NotEquals", "aa"), ["a", "aaa"]),
        (("TrainingJobName", "Contains", "aa"), ["aa", "aaa"]),
        (("TrainingJobName", "In", "a,aaa"), ["a", "aaa"]),
        (("Tags.team", "Equals", "topics"), ["a"]),
        (("Tags.team", "Exists"), ["a", "aaa"]),
        (("Tags.team", "NotExists"), ["aa"]),
        (("Metrics.validation:total_loss", "LessThan", "5"), ["a"]),
        (("Metrics.validation:total_loss", "Exists"), ["a", "aa"]),
        (("HyperParameters.learning_rate", "GreaterThan", "0.05"), ["a", "aaa"]),
        (("HyperParameters.learning_rate", "LessThanOrEqualTo", "0.1"), ["a", "aa"]),
        # A decimal hyperparameter is an integer to an integer.
        (("HyperParameters.learning_rate", "Equals", "1"), ["aaa"]),
        (("HyperParameters.optimizer", "Equals", "adam"), ["a", "aa", "aaa"]),
        (("ResourceConfig.InstanceCount", "GreaterThanOrEqualTo", "2"), ["aa", "aaa"]),
        (("CreationTime", "GreaterThan", "2023-11-14T22:13:21"), ["aa", "aaa"]),
        (("EnableManagedSpotTraining", "Equals", "true"), ["aaa"]),
        (("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "/aaa"), ["aaa"]),
        (("FailureReason", "NotExists"), ["a", "aa", "aaa"]),
    ],
)
def test_a_filter_finds_what_it_means(asked: tuple[str, ...], names: list[str]) -> None:
    assert found(*asked) == names


def test_filters_are_all_asked_or_one_of_them() -> None:
    filters = [{"Name": "TrainingJobName", "Value": name} for name in ("a", "aa")]

    told = {
        each: [job["TrainingJobName"] for job in matching(JOBS, Node({"Filters": filters, "Operator": each}), SHAPE)]
        for each in ("And", "Or")
    }
    assert told == {"And": [], "Or": ["a", "aa"]}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("TrainingJob", "Equals", "a"), "no property TrainingJob"),
        (("ResourceConfig", "Exists"), "no property ResourceConfig"),
        (("ResourceConfig.Size", "Exists"), "no property ResourceConfig.Size"),
        (("TrainingJobName", "LessThan", "a"), "not supported for text properties"),
        (("ResourceConfig.InstanceCount", "Contains", "1"), "supported for text properties only"),
        (("ResourceConfig.InstanceCount", "Equals", "one"), "one is no number"),
        (("CreationTime", "LessThan", "yesterday"), "yesterday is no time"),
        (("TrainingJobName", "Equals"), "needs a value"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(asked: tuple[str, ...], told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        found(*asked)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("TrainingJobName", ["a", "aa", "aaa"]),
        ("Metrics.validation:total_loss", ["a", "aa", "aaa"]),
        ("HyperParameters.learning_rate", ["aa", "a", "aaa"]),
    ],
)
def test_jobs_are_ordered_by_a_property_and_those_without_it_come_last(name: str, names: list[str]) -> None:
    rising = ordered(JOBS, name, SHAPE, descending=False)

    assert [each["TrainingJobName"] for each in rising] == names
    assert ordered(JOBS, "Metrics.validation:total_loss", SHAPE, descending=True)[-1]["TrainingJobName"] == "aaa"
