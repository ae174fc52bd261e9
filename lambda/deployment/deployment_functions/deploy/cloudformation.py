"""Custom resources: what CloudFormation asks, and the answer that it waits for."""

from __future__ import annotations

import json
import logging
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

MOST_REASON_CHARS: Final = 1000
"""CloudFormation refuses an answer of more than 4,096 bytes; this leaves room for the rest of it."""
_ANSWER_TIMEOUT_S: Final = 20
_ANSWER_TRIES: Final = 3


class DeployError(Exception):
    """A step of a deploy that cannot be done; the message is what the person deploying reads."""


@dataclass(frozen=True)
class Callback:
    """Where and how to answer one request of CloudFormation."""

    response_url: str
    stack_id: str
    request_id: str
    logical_resource_id: str
    physical_resource_id: str

    def as_json(self) -> dict[str, str]:
        """Return what `Callback(**…)` makes the same callback from."""
        return {
            "response_url": self.response_url,
            "stack_id": self.stack_id,
            "request_id": self.request_id,
            "logical_resource_id": self.logical_resource_id,
            "physical_resource_id": self.physical_resource_id,
        }

    def succeed(self) -> None:
        """Say that it is done."""
        self._answer("SUCCESS", "done")

    def fail(self, reason: str) -> None:
        """Say that it failed, and why."""
        self._answer("FAILED", reason[:MOST_REASON_CHARS])

    def _answer(self, status: str, reason: str) -> None:
        logger.info("%s %s: %s", self.logical_resource_id, status, reason)
        body = {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": self.physical_resource_id,
            "StackId": self.stack_id,
            "RequestId": self.request_id,
            "LogicalResourceId": self.logical_resource_id,
        }
        request = urllib.request.Request(  # noqa: S310 (CloudFormation's own address, https on AWS)
            self.response_url,
            data=json.dumps(body).encode(),
            method="PUT",
            # An empty type: the address was signed without one.
            headers={"Content-Type": ""},
        )
        for attempt in range(1, _ANSWER_TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT_S):  # noqa: S310 (as above)
                    return
            except OSError as error:
                if attempt == _ANSWER_TRIES:
                    raise
                logger.warning("answering CloudFormation failed, trying again: %s", error)


@dataclass(frozen=True)
class Request:
    """One request of CloudFormation: create, update or delete."""

    kind: str
    properties: Mapping[str, object]
    old_properties: Mapping[str, object]
    callback: Callback

    @classmethod
    def parse(cls, event: Mapping[str, object]) -> Request:
        """Read the event that CloudFormation invokes the function with."""
        logical_id = str(event["LogicalResourceId"])
        return cls(
            kind=str(event["RequestType"]),
            properties=_mapping(event["ResourceProperties"]),
            old_properties=_mapping(event.get("OldResourceProperties", {})),
            callback=Callback(
                response_url=str(event["ResponseURL"]),
                stack_id=str(event["StackId"]),
                request_id=str(event["RequestId"]),
                logical_resource_id=logical_id,
                # One identity for the resource's life: a changed one would ask for a replacement and a deletion.
                physical_resource_id=str(event.get("PhysicalResourceId", logical_id)),
            ),
        )

    def text(self, name: str) -> str:
        """Return a property as text."""
        return str(self.properties[name])


def serve(event: Mapping[str, object], act: Callable[[Request], bool]) -> None:
    """Run `act` on the request in `event` and answer CloudFormation, whatever happens.

    `act` returns whether it is done; False leaves the answer to somebody else.
    """
    request = Request.parse(event)
    try:
        done = act(request)
    except DeployError as error:
        request.callback.fail(str(error))
    except Exception as error:
        # Without an answer the deploy would hang for an hour: say what is known, and log the rest.
        logger.exception("%s %s failed", request.kind, request.callback.logical_resource_id)
        request.callback.fail(f"{type(error).__name__}: {error}; the function's log has more")
    else:
        if done:
            request.callback.succeed()


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"properties are {type(value).__name__}, not an object")
    return value
