"""Pages of log events, which MiniStack cuts off: at most `limit` or 1 MB of them, and a token for the rest."""

from __future__ import annotations

import heapq
import itertools
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import NotRequired, TypeAlias, TypedDict

from local_cloud.shared import emulator, private_names
from local_cloud.shared.emulator import Response
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.validation import validate
from local_cloud.shared.wire import JsonObject, Node

MAX_EVENTS = 10_000
PAGE_BYTES = 1_048_576


class Event(TypedDict):
    """One of a stream: its times in epoch milliseconds, and the stream's name where several are told."""

    timestamp: int
    ingestionTime: int
    message: str
    logStreamName: NotRequired[str]


Position: TypeAlias = tuple[int, int, int]
"""When an event was, when it was stored, and which of those that have both in common."""


def install() -> None:
    """Answer both operations by the page; imports MiniStack's CloudWatch Logs."""
    private_names.LOGS_FILTER.wrap(lambda _: lambda asked: _answer("FilterLogEvents", asked, _filtered))
    private_names.LOGS_GET.wrap(lambda get: lambda asked: _answer("GetLogEvents", asked, lambda node: _got(get, node)))


def _answer(operation: str, asked: JsonObject, page: Callable[[Node], Response]) -> Response:
    try:
        validate(emulator.botocore_model("logs").operation_model(operation).input_shape, dict(asked))
        return page(Node(asked))
    except ServiceError as error:
        # The one code that this service has for it.
        code = "InvalidParameterException" if error.code == "ValidationException" else error.code
        return ServiceError(code, error.message).response()


def _filtered(asked: Node) -> Response:
    names, prefix, limit = asked.texts("logStreamNames"), asked.text("logStreamNamePrefix"), asked.integer("limit", 0)
    if names and prefix:
        raise ServiceError("InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot both be given")
    group = private_names.LOG_GROUPS.get().get(private_names.LOGS_GROUP_NAME.get()(asked.values))
    if group is None:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    streams = group["streams"]
    if set(names) - set(streams):
        # https://github.com/percona/rds_exporter/issues/81
        raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")
    after = _position(asked.text("nextToken"))
    start, end = max(asked.integer("startTime", 0), after[0]), asked.integer("endTime", -1)
    ranges = [
        _events(streams[name]["events"], name, start, end if "endTime" in asked else None)
        for name in names or [name for name in streams if name.startswith(prefix)]
    ]
    matches = private_names.LOGS_PATTERN.get()(asked.text("filterPattern"))
    page: list[Event] = []
    last, size = after, 0
    for position, event in _numbered(heapq.merge(*ranges, key=_times)):
        if position <= after or not matches(event["message"]):
            continue
        size += _bytes(event)
        if len(page) == (limit or MAX_EVENTS) or (page and size > PAGE_BYTES):
            return _json({"events": page, "searchedLogStreams": [], "nextToken": ":".join(map(str, last))})
        page.append(event)
        last = position
    return _json({"events": page, "searchedLogStreams": []})


def _got(get: Callable[[JsonObject], Response], asked: Node) -> Response:
    """Ask MiniStack again for as many as fit."""
    answer = get(asked.values)
    if answer[0] != HTTPStatus.OK:
        return answer
    events: list[Event] = json.loads(answer[2])["events"]
    token = asked.text("nextToken")
    forward = token.startswith("f/") if token else asked.flag("startFromHead")
    sizes = itertools.accumulate(_bytes(event) for event in (events if forward else reversed(events)))
    fitting = max(1, sum(size <= PAGE_BYTES for size in sizes))
    return get({**asked.values, "limit": fitting}) if fitting < len(events) else answer


def _events(history: list[Event], stream: str, start: int, end: int | None) -> Iterator[Event]:
    first = bisect_left(history, start, key=lambda event: event["timestamp"])
    last = len(history) if end is None else bisect_right(history, end, key=lambda event: event["timestamp"])
    for event in history[first:last]:
        yield {**event, "logStreamName": stream}


def _numbered(events: Iterable[Event]) -> Iterator[tuple[Position, Event]]:
    for times, alike in itertools.groupby(events, _times):
        for number, event in enumerate(alike, start=1):
            yield (*times, number), event


def _times(event: Event) -> tuple[int, int]:
    return event["timestamp"], event["ingestionTime"]


def _position(token: str) -> Position:
    if not token:
        return 0, 0, 0
    if not re.fullmatch(r"\d{1,16}:\d{1,16}:\d{1,16}", token, re.ASCII):
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    when, stored, number = map(int, token.split(":"))
    return when, stored, number


def _bytes(event: Event) -> int:
    return len(event["message"].encode())


def _json(answer: Mapping[str, object]) -> Response:
    return HTTPStatus.OK, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
