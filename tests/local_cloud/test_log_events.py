"""What CloudWatch Logs tells of the streams of a group, page by page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html, and API_GetLogEvents.
"""

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


STREAMS = ("a", "b", "c")


@pytest.fixture(scope="module")
def busy(account: Account) -> str:
    """A group of three streams of 20 events each, many at one time: `<stream> <number>`."""
    logs, name, now = account.root("logs"), unique("busy"), int(time.time() * 1000)
    logs.create_log_group(logGroupName=name)
    for stream in STREAMS:
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        events = [{"timestamp": now + number // 8, "message": f"{stream} {number}"} for number in range(20)]
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    return name


@pytest.fixture(scope="module")
def large(account: Account) -> str:
    """A group whose one stream has five events of 400 kB."""
    logs, name = account.root("logs"), unique("large")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="a")
    now = int(time.time() * 1000)
    for number in range(5):
        event = {"timestamp": now + number, "message": str(number) * 400_000}
        logs.put_log_events(logGroupName=name, logStreamName="a", logEvents=[event])
    return name


@pytest.mark.parametrize("size", [1, 7, 8, 60, 10_000])
@pytest.mark.parametrize("asked", [{}, {"filterPattern": '"a"'}, {"logStreamNames": ["c", "b"]}])
def test_each_event_is_on_one_page_in_the_order_of_time(
    account: Account, busy: str, asked: dict[str, Any], size: int
) -> None:
    paginator = account.root("logs").get_paginator("filter_log_events")
    pages = list(paginator.paginate(logGroupName=busy, **asked, PaginationConfig={"PageSize": size}))

    events = [event for page in pages for event in page["events"]]
    streams = ["a"] if "filterPattern" in asked else asked.get("logStreamNames", STREAMS)
    assert sorted(event["message"] for event in events) == sorted(f"{name} {i}" for name in streams for i in range(20))
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert [len(page["events"]) for page in pages] == [size] * (len(events) // size) + [len(events) % size] * (
        len(events) % size > 0
    )


def test_a_paginator_goes_on_where_another_one_ended(account: Account, busy: str) -> None:
    paginator = account.root("logs").get_paginator("filter_log_events")
    first = paginator.paginate(logGroupName=busy, PaginationConfig={"MaxItems": 25, "PageSize": 10}).build_full_result()
    rest = paginator.paginate(logGroupName=busy, PaginationConfig={"StartingToken": first["NextToken"]})

    messages = [event["message"] for event in (*first["events"], *rest.build_full_result()["events"])]
    assert len(messages) == len(set(messages)) == 60


def test_a_page_holds_1_mb(account: Account, large: str) -> None:
    logs = account.root("logs")
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=large))

    assert [len(page["events"]) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(("from_head", "token", "firsts"), [
    (True, "nextForwardToken", ["01", "23", "4"]), (False, "nextBackwardToken", ["34", "12", "0"]),
])  # fmt: skip
def test_a_streams_pages_hold_1_mb_in_either_direction(
    account: Account, large: str, token: str, firsts: list[str], *, from_head: bool
) -> None:
    logs, asked, told = account.root("logs"), {"logGroupName": large, "logStreamName": "a"}, list[str]()
    answer = logs.get_log_events(**asked, startFromHead=from_head)
    while answer["events"]:
        told.append("".join(event["message"][0] for event in answer["events"]))
        answer = logs.get_log_events(**asked, nextToken=answer[token])

    assert told == firsts


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"limit": 10_001}, "InvalidParameterException"),
        ({"nextToken": "of another service"}, "InvalidParameterException"),
        ({"logStreamNames": ["a", "z"]}, "ResourceNotFoundException"),
    ],
)
def test_what_cannot_be_asked_is_refused(account: Account, busy: str, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        account.root("logs").filter_log_events(logGroupName=busy, **wrong)
