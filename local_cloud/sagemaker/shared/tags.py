"""Tags of every SageMaker resource, by ARN."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from local_cloud.shared import refusals
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, Node

MAX_TAGS = 50


class Tags:
    """The tags of the resources that exist."""

    def __init__(self) -> None:
        self._by_arn: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return AddTags, ListTags and DeleteTags."""
        return {"AddTags": self._add, "ListTags": self._list, "DeleteTags": self._delete}

    def create(self, arn: str, tags: Iterable[Node]) -> None:
        """Begin to keep a new resource's tags."""
        with self._lock:
            self._by_arn[arn] = {tag.text("Key"): tag.text("Value") for tag in tags}

    def replace(self, arn: str, tags: Iterable[Node]) -> None:
        """Give a resource other tags."""
        self.create(arn, tags)

    def forget(self, arn: str) -> None:
        """Drop a deleted resource's tags."""
        with self._lock:
            self._by_arn.pop(arn, None)

    def of(self, arn: str) -> list[dict[str, str]]:
        """Return a resource's tags in the order of their keys."""
        with self._lock:
            return [{"Key": key, "Value": value} for key, value in sorted(self._by_arn.get(arn, {}).items())]

    def record(self) -> JsonObject:
        """Return every tag, as it is kept between lives."""
        with self._lock:
            return {arn: dict(tags) for arn, tags in self._by_arn.items()}

    def restore(self, record: Node) -> None:
        """Take over what was kept."""
        with self._lock:
            self._by_arn = {arn: record.mapping(arn) for arn in record.values}

    def _add(self, call: Call) -> JsonObject:
        arn = self._known(call)
        with self._lock:
            merged = self._by_arn[arn] | {tag.text("Key"): tag.text("Value") for tag in call.request.nodes("Tags")}
            if len(merged) > MAX_TAGS:
                raise refusals.TOO_MANY_TAGS.error(arn=arn, count=len(merged), limit=MAX_TAGS)
            self._by_arn[arn] = merged
        return {"Tags": self.of(arn)}

    def _list(self, call: Call) -> JsonObject:
        return {"Tags": self.of(self._known(call))}

    def _delete(self, call: Call) -> JsonObject:
        arn = self._known(call)
        keys: Sequence[str] = call.request.texts("TagKeys")
        with self._lock:
            self._by_arn[arn] = {key: value for key, value in self._by_arn[arn].items() if key not in keys}
        return {}

    def _known(self, call: Call) -> str:
        arn = call.request.text("ResourceArn")
        if arn not in self._by_arn:
            raise validation_error(f"Could not find resource with ARN {arn}.")
        return arn
