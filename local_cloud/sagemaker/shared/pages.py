"""Listings: filtered, sorted and cut into pages as SageMaker's List operations do."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence

from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, MutableJson, Node

DEFAULT_PAGE = 10


def page(
    items: Sequence[JsonObject],
    request: Node,
    *,
    result: str,
    name: str,
    status: str = "",
    default_sort: str = "CreationTime",
    sort_values: Mapping[str, Callable[[JsonObject], float | None]] | None = None,
    status_thins_pages: bool = False,
) -> JsonObject:
    """Return one page of summaries.

    Args:
        items: summaries, with their times as epoch seconds.
        request: filters, SortBy, SortOrder, MaxResults and NextToken.
        result: the member of the answer that holds the page.
        name: the member of a summary that NameContains looks at.
        status: the member that StatusEquals looks at.
        default_sort: what SortBy is when it is not given: by name ascending, by time the newest first, which AWS's own
            samples expect also where the operation's page says ascending.
        sort_values: for a SortBy that is no member of a summary, what it sorts by.
        status_thins_pages: with both MaxResults and StatusEquals, cut the pages first and filter each then.
    """
    thinned = status_thins_pages and "MaxResults" in request and "StatusEquals" in request
    kept = [item for item in items if _passes(item, request, name, "" if thinned else status)]
    sort_by = request.text("SortBy", default_sort)
    member = {"Name": name, "Status": status}.get(sort_by, sort_by)
    own = (sort_values or {}).get(sort_by)
    key = _sort_key(member) if own is None else (lambda item: (own(item) or 0.0, ""))
    default_order = "Ascending" if default_sort == "Name" else "Descending"
    kept.sort(key=key, reverse=request.text("SortOrder", default_order) == "Descending")
    answer = cut(kept, request, result=result)
    if thinned:
        summaries = Node(answer).nodes(result)
        answer[result] = [item.values for item in summaries if item.text(status) == request.text("StatusEquals")]
    return answer


def cut(items: Sequence[JsonObject], request: Node, *, result: str) -> MutableJson:
    """Return the page that a request asks for of what is sorted already."""
    start = _start(request.text("NextToken"))
    end = start + request.integer("MaxResults", DEFAULT_PAGE)
    answer: MutableJson = {result: items[start:end]}
    if end < len(items):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _passes(item: JsonObject, request: Node, name: str, status: str) -> bool:
    entry = Node(item)
    if "NameContains" in request and request.text("NameContains").lower() not in entry.text(name).lower():
        return False
    if status and "StatusEquals" in request and request.text("StatusEquals") != entry.text(status):
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        if f"{member}After" in request and entry.number(member) <= request.number(f"{member}After"):
            return False
        if f"{member}Before" in request and entry.number(member) >= request.number(f"{member}Before"):
            return False
    return True


def _sort_key(member: str) -> Callable[[JsonObject], tuple[float, str]]:
    def key(item: JsonObject) -> tuple[float, str]:
        value = item.get(member)
        return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))

    return key


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (ValueError, binascii.Error):
        raise validation_error("The request contains an invalid NextToken.") from None
