"""Hyperparameter tuning jobs: trials that are training jobs, and the best of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.support import IMAGE, Account, allow, ended, unique, until

pytestmark = pytest.mark.local_cloud

NTM_IMAGE = IMAGE.replace("stand-in", "ntm")
LOSS = {"Name": "loss", "Regex": "loss=([0-9.e+-]+)"}
RATE = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]}


@pytest.fixture
def tuning(request_for: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the request of a tuning job whose trials print the square of their distance from the best rate, 0.3."""

    def made(
        *,
        strategy: str = "Random",
        ranges: dict[str, Any] | None = None,
        limits: dict[str, int] | None = None,
        static: dict[str, str] | None = None,
        metric: str = "loss",
        config: dict[str, Any] | None = None,
        definition: dict[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        job = request_for()
        static_given = {"task": "succeed", "loss": "0.3"} if static is None else static
        return {
            "HyperParameterTuningJobName": unique("tune"),
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": metric},
                "ResourceLimits": limits or {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": RATE if ranges is None else ranges,
                "RandomSeed": 7,
                **(config or {}),
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": static_given,
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [LOSS],
                },
                **{name: job[name] for name in ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
                                                "StoppingCondition")},
                **(definition or {}),
            },
            **more,
        }  # fmt: skip

    return made


def finished(sagemaker: Any, request: dict[str, Any]) -> dict[str, Any]:
    sagemaker.create_hyper_parameter_tuning_job(**request)
    return settled(sagemaker, request["HyperParameterTuningJobName"])


def settled(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        told = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return told if told["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"} else None

    told: dict[str, Any] = until(described, timeout_s=60)
    return told


def trials(sagemaker: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    told = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **more)
    found: list[dict[str, Any]] = told["TrainingJobSummaries"]
    return found


def test_trials_are_training_jobs_and_the_best_of_them_is_told(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]]
) -> None:
    job = finished(sagemaker, tuning(Tags=[{"Key": "team", "Value": "topics"}]))

    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Succeeded"] == 3
    found = trials(sagemaker, job["HyperParameterTuningJobName"])
    values = {t["TrainingJobName"]: t["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for t in found}
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == min(values, key=lambda name: values[name])
    rate = float(best["TunedHyperParameters"]["rate"])
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx((rate - 0.3) ** 2, rel=1e-5)
    trial = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trial["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trial["HyperParameters"] == {
        "task": "succeed", "loss": "0.3", "rate": best["TunedHyperParameters"]["rate"],
        "_tuning_objective_metric": "loss",
    }  # fmt: skip
    assert trial["FinalMetricDataList"][0]["MetricName"] in {"validation:total_loss", "loss"}
    for arn in (trial["TrainingJobArn"], job["HyperParameterTuningJobArn"]):
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "topics"}]


def test_instances_may_be_given_as_kinds_of_which_the_first_is_taken(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]]
) -> None:
    kinds = [
        {"InstanceType": kind, "InstanceCount": 2, "VolumeSizeInGB": 1} for kind in ("ml.c5.xlarge", "ml.m5.large")
    ]
    request = tuning(
        limits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
        definition={"HyperParameterTuningResourceConfig": {"InstanceConfigs": kinds}},
    )
    with pytest.raises(ClientError, match="one of ResourceConfig and HyperParameterTuningResourceConfig"):
        sagemaker.create_hyper_parameter_tuning_job(**request)
    del request["TrainingJobDefinition"]["ResourceConfig"]
    best = finished(sagemaker, request)["BestTrainingJob"]

    resources = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])["ResourceConfig"]
    assert (resources["InstanceType"], resources["InstanceCount"]) == ("ml.c5.xlarge", 2)


def test_a_grid_tries_every_combination_once(sagemaker: Any, tuning: Callable[..., dict[str, Any]]) -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "rate", "Values": ["0.1", "0.4"]}, {"Name": "colour", "Values": ["red", "blue"]},
        ]
    }  # fmt: skip
    job = finished(sagemaker, tuning(strategy="Grid", ranges=ranges, limits={"MaxParallelTrainingJobs": 2}))

    tried = [t["TunedHyperParameters"] for t in trials(sagemaker, job["HyperParameterTuningJobName"])]
    assert sorted((t["rate"], t["colour"]) for t in tried) == [
        ("0.1", "blue"), ("0.1", "red"), ("0.4", "blue"), ("0.4", "red"),
    ]  # fmt: skip
    assert job["BestTrainingJob"]["TunedHyperParameters"]["rate"] == "0.4"


def test_a_bayesian_search_runs_and_can_be_listed_in_pages_by_its_objective(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]]
) -> None:
    limits = {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2}
    job = finished(sagemaker, tuning(strategy="Bayesian", limits=limits))
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"],
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Ascending",
        MaxResults=4,
    )
    listed = [page["TrainingJobSummaries"] for page in pages]

    assert [len(page) for page in listed] == [4, 2]
    values = [t["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for page in listed for t in page]
    assert values == sorted(values)
    assert listed[0][0]["TrainingJobName"] == job["BestTrainingJob"]["TrainingJobName"]


def test_no_more_trials_run_at_a_time_than_asked_for_and_stopping_stops_them(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]]
) -> None:
    request = tuning(static={"task": "wait"}, limits={"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2})
    name = request["HyperParameterTuningJobName"]
    sagemaker.create_hyper_parameter_tuning_job(**request)
    until(lambda: len(trials(sagemaker, name, StatusEquals="InProgress")) == 2)
    begun = [trial["TrainingJobName"] for trial in trials(sagemaker, name)]

    def all_train() -> bool:
        told = [sagemaker.describe_training_job(TrainingJobName=trial) for trial in begun]
        return all(trial["SecondaryStatus"] == "Training" for trial in told)

    until(all_train)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = settled(sagemaker, name)

    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert len(trials(sagemaker, name)) == 2


def test_a_job_whose_trials_all_fail_fails_with_the_services_reason(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]]
) -> None:
    job = finished(sagemaker, tuning(static={"task": "fail", "reason": "no"}))

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("All training jobs failed.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 3
    assert "BestTrainingJob" not in job


def test_a_job_ends_when_the_objective_is_good_enough(sagemaker: Any, tuning: Callable[..., dict[str, Any]]) -> None:
    job = finished(
        sagemaker,
        tuning(
            limits={"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 1},
            config={"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 2.0}},
        ),
    )

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len(trials(sagemaker, job["HyperParameterTuningJobName"])) == 1


def test_jobs_are_listed_described_and_deleted(sagemaker: Any, tuning: Callable[..., dict[str, Any]]) -> None:
    request = tuning(limits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1})
    name = request["HyperParameterTuningJobName"]
    finished(sagemaker, request)

    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_hyper_parameter_tuning_job(**request)
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [(job["Strategy"], job["HyperParameterTuningJobStatus"]) for job in listed] == [("Random", "Completed")]
    with pytest.raises(ClientError, match="is in status Completed"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def ntm(ranges: dict[str, Any], **more: Any) -> dict[str, Any]:
    specification = {"TrainingImage": NTM_IMAGE, "TrainingInputMode": "File"}
    static = {"feature_dim": "10", "num_topics": "2"}
    return {
        "ranges": ranges, "static": static, "metric": "validation:total_loss",
        "definition": {"AlgorithmSpecification": specification}, **more,
    }  # fmt: skip


def whole(name: str, least: str, most: str) -> dict[str, Any]:
    return {"IntegerParameterRanges": [{"Name": name, "MinValue": least, "MaxValue": most}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategy": "Hyperband"}, "Strategy Hyperband is not emulated"),
        ({"strategy": "Grid"}, "categorical hyperparameters only; rate is a range"),
        ({"metric": "accuracy"}, "A metric is required for this hyperparameter tuning job objective"),
        ({"ranges": whole("rate", "3", "1")}, "has MinValue 3 above MaxValue 1"),
        ({"ranges": whole("rate", "a", "1")}, "the bound 'a', which is not an integer"),
        ({"ranges": whole("loss", "1", "2")}, "cannot be both static and searched: loss"),
        ({"ranges": {}}, "0 ranges are given"),
        (
            {"limits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 2}},
            "MaxParallelTrainingJobs 2 must not",
        ),
        ({"limits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 5}}, "request delta of 5 Instances"),
        (ntm(whole("num_topics", "2", "9")), "Hyperparameter num_topics cannot be tuned"),
        (ntm(whole("mini_batch_size", "16", "20000")), "The range of hyperparameter mini_batch_size is invalid"),
        (ntm(whole("mini_batch_size", "16", "64"), metric="train:loss"), r"\[train:loss\], isn't valid for the"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    sagemaker: Any, tuning: Callable[..., dict[str, Any]], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        sagemaker.create_hyper_parameter_tuning_job(**tuning(**change))


def test_metric_definitions_of_the_built_in_are_its_own(sagemaker: Any, request_for: Any) -> None:
    specification = {"TrainingImage": NTM_IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [LOSS]}

    with pytest.raises(ClientError, match="You can't override the metric definitions"):
        sagemaker.create_training_job(**request_for(AlgorithmSpecification=specification))


def test_metrics_are_read_out_of_the_log_by_their_definitions(
    account: Account, sagemaker: Any, request_for: Callable[..., dict[str, Any]]
) -> None:
    specification = {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [LOSS]}
    request = request_for({"loss": "0.5", "rate": "1.0"}, AlgorithmSpecification=specification)
    sagemaker.create_training_job(**request)
    job = ended(sagemaker, request["TrainingJobName"])

    assert {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}["loss"] == 0.25
    listed = account.root("cloudwatch").list_metrics(Namespace="/aws/sagemaker/TrainingJobs", MetricName="loss")
    dimensions = [metric["Dimensions"] for metric in listed["Metrics"]]
    assert [{"Name": "TrainingJobName", "Value": request["TrainingJobName"]}] in dimensions


def test_a_tuning_job_needs_its_own_permission_and_that_to_pass_the_role(
    account: Account, tuning: Callable[..., dict[str, Any]]
) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/*"
    without_role = account.user(allow("sagemaker:CreateHyperParameterTuningJob", resource=arn))("sagemaker")
    without_any = account.user(allow("sagemaker:CreateTrainingJob", "iam:PassRole"))("sagemaker")

    for client, action in ((without_role, "iam:PassRole"), (without_any, "sagemaker:CreateHyperParameterTuningJob")):
        with pytest.raises(ClientError, match=f"not authorized to perform: {action}"):
            client.create_hyper_parameter_tuning_job(**tuning())
