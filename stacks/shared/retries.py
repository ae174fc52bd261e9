"""What the state machines try again: the same for every kind of job, and for every function."""

from __future__ import annotations

from typing import Final

JOB_NOT_TAKEN: Final = {
    "ErrorEquals": ["SageMaker.ThrottlingException", "SageMaker.AmazonSageMakerException"],
    "IntervalSeconds": 5,
    "MaxAttempts": 3,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
"""A job that SageMaker was too busy to take; what it has taken is never started twice."""
FUNCTION_UNAVAILABLE: Final = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 5,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
