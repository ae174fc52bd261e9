"""A service of AWS's JSON protocol: operations by target header, checked against botocore's model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from local_cloud.shared import emulator
from local_cloud.shared.emulator import Headers, Query, Response, Scope
from local_cloud.shared.members import Members
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.service_model import ServiceModel, Shape
from local_cloud.shared.validation import validate
from local_cloud.shared.wire import JsonObject, MutableJson, Node

logger = logging.getLogger("local_cloud")

OK = 200


@dataclass(frozen=True)
class Call:
    """One validated request.

    Attributes:
        scope: account and region it acts in.
        request: its members.
        headers: of the HTTP request; empty for a call from inside the emulator, whose caller was checked elsewhere.
    """

    scope: Scope
    request: Node
    headers: Headers = field(default_factory=dict)


Operation: TypeAlias = Callable[[Call], JsonObject]


class JsonService:
    """Operations of one service by name. Those missing refuse by name, and those unknown to AWS too.

    Args:
        name: botocore's name of the service, which is its IAM namespace as well.
        target_prefix: of the X-Amz-Target header.
        operations: what is emulated. An operation may block: it runs on a thread of its own.
        members: by operation, what of its request is refused.
    """

    def __init__(
        self, name: str, target_prefix: str, operations: Mapping[str, Operation], members: Mapping[str, Members]
    ) -> None:
        self._members = members
        self.name = name
        self.target_prefix = target_prefix
        self._operations = operations

    def call(self, operation: str, scope: Scope, request: MutableJson, headers: Headers | None = None) -> JsonObject:
        """Validate and perform one operation.

        Raises:
            ServiceError: as the service would answer.
        """
        model = self._model()
        if operation not in model.operation_names:
            raise ServiceError("UnknownOperationException", f"{self.name} has no operation {operation!r}")
        perform = self._operations.get(operation)
        if perform is None:
            raise ServiceError(
                "NotImplementedException",
                f"{self.name}:{operation} is not emulated by the local cloud, which emulates "
                f"{', '.join(sorted(self._operations))}",
                501,
            )
        if operation in self._members:
            self._members[operation].require(request)
        validate(model.operation_model(operation).input_shape, request)
        return perform(Call(scope, Node(request), headers or {}))

    async def handle(self, method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        """Answer an HTTP request."""
        del method, path, query
        operation = headers.get("x-amz-target", "").removeprefix(f"{self.target_prefix}.")
        scope = emulator.current_scope()
        return await emulator.off_loop(self._answer, operation, scope, headers, body)

    @property
    def operations(self) -> list[str]:
        """Names of what is emulated."""
        return sorted(self._operations)

    def input_shape(self, operation: str) -> Shape:
        """Return botocore's input shape of an operation."""
        return self._model().operation_model(operation).input_shape

    def _answer(self, operation: str, scope: Scope, headers: Headers, body: bytes) -> Response:
        try:
            request = json.loads(body or b"{}")
            if not isinstance(request, dict):
                return ServiceError("SerializationException", "the request body is not a JSON object").response()
            answer = self.call(operation, scope, request, headers)
        except ServiceError as error:
            return error.response()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return ServiceError("SerializationException", "the request body is not JSON").response()
        return OK, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def _model(self) -> ServiceModel:
        return emulator.botocore_model(self.name)
