"""What CloudWatch Logs tells of the streams of a group."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.support import Account, unique

pytestmark = [pytest.mark.local_cloud]


@pytest.fixture(scope="module")
def group(account: Account) -> str:
    """A group with a line in each of three streams: the stream's name."""
    logs, name = account.root("logs"), unique("group")
    logs.create_log_group(logGroupName=name)
    for stream in ("job-1/algo-1", "job-1/algo-2", "job-10/algo-1"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": f"says {stream}"}
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[event])
    return name


@pytest.mark.parametrize(
    ("asked", "streams"),
    [
        ({"logStreamNamePrefix": "job-1/"}, {"job-1/algo-1", "job-1/algo-2"}),
        ({"logStreamNamePrefix": "job-1"}, {"job-1/algo-1", "job-1/algo-2", "job-10/algo-1"}),
        ({"logStreamNamePrefix": "job-1", "filterPattern": '"algo-2"'}, {"job-1/algo-2"}),
        ({"logStreamNamePrefix": "other"}, set()),
    ],
)
def test_events_are_those_of_the_streams_with_the_prefix(
    account: Account, group: str, asked: dict[str, Any], streams: set[str]
) -> None:
    pages = account.root("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **asked)

    assert {event["logStreamName"] for page in pages for event in page["events"]} == streams


def test_a_group_may_be_named_by_its_arn(account: Account, group: str) -> None:
    logs = account.root("logs")
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]

    assert len(logs.filter_log_events(logGroupIdentifier=arn, logStreamNamePrefix="job-1/")["events"]) == 2


def test_a_prefix_beside_names_is_refused(account: Account, group: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        account.root("logs").filter_log_events(
            logGroupName=group, logStreamNamePrefix="job-1", logStreamNames=["job-1/algo-1"]
        )


def test_a_group_that_is_not_there_is_told_as_such(account: Account) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.root("logs").filter_log_events(logGroupName=unique("none"), logStreamNamePrefix="job-1")
