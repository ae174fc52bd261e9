from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.validation import _compiled, coerce, validate

SERVICES = ("sagemaker", "application-autoscaling", "sagemaker-runtime")


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    session = botocore.session.get_session()
    return {name: session.get_service_model(name) for name in SERVICES}


def refusal(models: dict[str, Any], operation: str, **request: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        validate(models["sagemaker"].operation_model(operation).input_shape, request)
    return caught.value


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_models_can_be_checked(models: dict[str, Any], service: str) -> None:
    model = models[service]
    patterns = [model.shape_for(name).metadata.get("pattern") for name in model.shape_names]

    assert all(_compiled(pattern) for pattern in patterns if pattern)


def test_a_missing_member_is_named_as_the_service_names_it(models: dict[str, Any]) -> None:
    error = refusal(models, "DescribeTrainingJob")

    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
        "Member must not be null"
    )


@pytest.mark.parametrize(
    ("operation", "request_", "expected"),
    [
        (
            "DescribeTrainingJob",
            {"TrainingJobName": "no spaces"},
            "Value 'no spaces' at 'trainingJobName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern",
        ),
        (
            "DescribeTrainingJob",
            {"TrainingJobName": "x" * 64},
            "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63",
        ),
        (
            "ListTrainingJobs",
            {"MaxResults": 101},
            "Value '101' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 100",
        ),
        (
            "ListTrainingJobs",
            {"SortOrder": "Up"},
            "Value 'Up' at 'sortOrder' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Ascending, Descending]",
        ),
        (
            "AddTags",
            {
                "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m",
                "Tags": [{"Key": "a", "Value": "b"}, {"Key": "a"}],
            },
            "Value null at 'tags.2.member.value' failed to satisfy constraint: Member must not be null",
        ),
    ],
)
def test_a_violated_constraint_is_worded_as_by_the_service(
    models: dict[str, Any], operation: str, request_: dict[str, Any], expected: str
) -> None:
    assert expected in refusal(models, operation, **request_).message


def test_every_violation_is_told_at_once(models: dict[str, Any]) -> None:
    error = refusal(models, "CreateEndpoint", EndpointName="-", EndpointConfigName="-")

    assert error.message.startswith("2 validation errors detected: ")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"TrainingJobName": 1}, "NUMBER_VALUE can not be converted to a String"),
        ({"TrainingJobName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"TrainingJobName": ["a"]}, "START_ARRAY can not be converted to a String"),
    ],
)
def test_a_wrong_json_type_is_a_serialization_error(
    models: dict[str, Any], request_: dict[str, Any], message: str
) -> None:
    error = refusal(models, "DescribeTrainingJob", **request_)

    assert (error.code, error.message) == ("SerializationException", message)


def test_a_templates_strings_are_given_the_types_of_the_request(models: dict[str, Any]) -> None:
    shape = models["sagemaker"].operation_model("CreateEndpointConfig").input_shape
    variant: dict[str, Any] = {"VariantName": 7, "InitialInstanceCount": "2", "InitialVariantWeight": "0.5"}

    assert coerce(shape, {"ProductionVariants": [variant], "EnableNetworkIsolation": "true"}) == {
        "ProductionVariants": [{"VariantName": "7", "InitialInstanceCount": 2, "InitialVariantWeight": 0.5}],
        "EnableNetworkIsolation": True,
    }


@pytest.mark.parametrize("moment", ["", "2026-01-01T00:00:00Z", True, []])
def test_a_moment_that_is_no_number_of_seconds_is_refused(moment: Any) -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("ListEndpoints").input_shape

    with pytest.raises(ServiceError, match="can not be converted to a Timestamp"):
        validate(shape, {"CreationTimeAfter": moment})
